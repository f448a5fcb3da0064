"""Private parts of torch's TensorBoard writer do what linnet uses them for."""

from torch.utils.tensorboard import SummaryWriter

from linnet.system.compat.tensorboard import WriterTo


class File:
    """What a SummaryWriter is given in the place of torch's FileWriter."""

    def __init__(self):
        self.summaries = []

    def add_summary(self, summary, *rest):
        self.summaries.append(summary)

    def flush(self):
        pass

    def close(self):
        pass


def test_torch_summary_writer_adds_events_to_the_file_that_get_file_writer_returns(tmp_path):
    assert callable(SummaryWriter._get_file_writer)
    file = File()
    writer = WriterTo(file, str(tmp_path))
    writer.add_scalar("loss", 0.5, 1)
    writer.close()
    assert [value.tag for summary in file.summaries for value in summary.value] == ["loss"]
    assert list(tmp_path.iterdir()) == []

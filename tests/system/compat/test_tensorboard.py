"""Private parts of torch's TensorBoard writer do what linnet uses them for."""

from torch.utils.tensorboard import SummaryWriter

from linnet.tracking.events import EventWriter


def test_torch_summary_writer_adds_events_to_the_file_that_get_file_writer_returns(tmp_path):
    assert callable(SummaryWriter._get_file_writer)
    writer = EventWriter(tmp_path)
    added = []
    writer.file.add_summary = lambda summary, *rest: added.append(summary)
    writer.add_scalar("loss", 0.5, 1)
    writer.close()
    assert [value.tag for summary in added for value in summary.value] == ["loss"]

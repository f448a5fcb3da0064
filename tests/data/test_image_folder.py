"""Images in folders: parts, numbers, what is kept for later runs, figures, and what is refused."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pictures import CLASSES, write_pictures
from PIL import Image
from torchvision.datasets import ImageFolder

import linnet
from linnet.data import Source, image_folder
from linnet.data.sources import image_folder as pixels
from linnet.system.errors import InputError


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LINNET_DATA", str(tmp_path / "home"))
    return tmp_path / "home" / "image_folder"


def load(path: Path, **options: Any) -> Source:
    return image_folder(
        str(path), **{"size": 8, "color": "rgb", "test_fraction": 0.2, "dtype": "float64", "seed": 0, **options}
    )


def refusal(path: Path, *words: str, **options: Any) -> None:
    with pytest.raises(InputError) as caught:
        load(path, **options)
    assert len(str(caught.value).splitlines()) == 1
    assert all(word in str(caught.value) for word in words), str(caught.value)


class TestNumbers:
    @pytest.mark.parametrize(("color", "mode"), [("grey", "L"), ("rgb", "RGB")])
    def test_are_those_of_torchvision(self, color, mode, tmp_path):
        for part in ("train", "test"):
            write_pictures(tmp_path / "all" / part, seed=len(part))
        source = load(tmp_path / "all", color=color)
        for part, found in (("train", source.train), ("test", source.test)):
            twin = ImageFolder(tmp_path / "all" / part)
            assert found.y.tolist() == twin.targets
            assert source.class_names == tuple(twin.classes) == CLASSES
            expected = [np.atleast_3d(np.asarray(image.convert(mode))).transpose(2, 0, 1).ravel() for image, _ in twin]
            np.testing.assert_allclose(found.x.numpy(), np.stack(expected) / 255, rtol=1e-15)
        assert source.image_shape == ((8, 8) if color == "grey" else (3, 8, 8))

    def test_are_resized(self, tmp_path):
        source = load(write_pictures(tmp_path / "all"), size=2, color="grey")
        assert source.train.n_features == 4
        image = Image.open(tmp_path / "all" / "bird" / "00.png").convert("L")
        kept = (source.train.x * 255).round().tolist() + (source.test.x * 255).round().tolist()
        found = np.asarray(image.resize((2, 2), Image.Resampling.BILINEAR)).ravel().tolist()
        assert found in kept

    def test_of_16_bits_are_not_cut_off(self, tmp_path):
        for i, name in enumerate("ab"):
            (tmp_path / "all" / name).mkdir(parents=True)
            Image.fromarray(np.full((8, 8), 1000 + 40_000 * i, np.uint16)).save(tmp_path / "all" / name / "1.png")
        levels = (load(tmp_path / "all", color="grey", test_fraction=0).train.x * 255).round()
        assert levels[:, 0].tolist() == [1000 // 256, 41_000 // 256]

    def test_stand_as_the_camera_was_held(self, tmp_path):
        write_pictures(tmp_path / "all", n=1)
        levels = np.zeros((8, 8), np.uint8)
        levels[:4] = 255
        exif = Image.Exif()
        exif[0x0112] = 3  # upside down
        Image.fromarray(levels).save(tmp_path / "all" / "bird" / "00.png", exif=exif)
        picture = load(tmp_path / "all", color="grey", test_fraction=0).train.x[0].reshape(8, 8)
        assert picture[0].max() == 0
        assert picture[-1].min() == 1


class TestParts:
    def test_are_drawn_by_class_from_the_seed(self, tmp_path):
        write_pictures(tmp_path / "all")
        source, again, other = (load(tmp_path / "all", seed=seed) for seed in (0, 0, 1))
        assert source.test is not None
        assert source.test.y.bincount().tolist() == [4, 4, 4]
        assert source.train.y.bincount().tolist() == [16, 16, 16]
        assert torch.equal(source.test.x, again.test.x)
        assert not torch.equal(source.test.x, other.test.x)
        assert source.checksum == again.checksum == other.checksum
        assert load(tmp_path / "all", test_fraction=0).test is None

    def test_are_those_of_the_folders(self, tmp_path, workplace):
        write_pictures(tmp_path / "all" / "train")
        write_pictures(tmp_path / "all" / "val", n=3)
        write_pictures(tmp_path / "all" / "test", ("cat",), n=2)
        source = load(tmp_path / "all")
        assert [len(part) for part in (source.train, source.val, source.test)] == [60, 9, 2]
        assert source.test.y.tolist() == [1, 1]
        run = linnet.train(
            ["data=image_folder", f"data.path={tmp_path / 'all'}", "trainer.max_epochs=1", "figures=false"]
        )
        assert (len(run.data.train), len(run.data.val)) == (60, 9)  # and no part of the 60

    def test_take_images_of_folders_within_and_no_other_files(self, tmp_path):
        write_pictures(tmp_path / "all")
        write_pictures(tmp_path / "all" / "cat" / "more", ("siamese",), n=2)
        (tmp_path / "all" / "cat" / "notes.txt").write_text("none")
        (tmp_path / "all" / "cat" / "._01.png").write_text("none")
        (tmp_path / "all" / ".git").mkdir()
        source = load(tmp_path / "all", test_fraction=0)
        assert source.train.y.bincount().tolist() == [20, 22, 20]


class TestLaterRuns:
    def test_decode_nothing(self, tmp_path, monkeypatch):
        first = load(write_pictures(tmp_path / "all"))
        monkeypatch.setattr(pixels, "decoded", None)
        again = load(tmp_path / "all")
        assert torch.equal(again.train.x, first.train.x)
        assert again.checksum == first.checksum

    @pytest.mark.parametrize("change", ["content", "new", "removed", "size"])
    def test_see_what_has_changed(self, change, tmp_path, data_home):
        first = load(write_pictures(tmp_path / "all"))
        image = tmp_path / "all" / "cat" / "00.png"
        if change == "content":
            before = image.stat()
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(image)
            os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        elif change == "new":
            shutil.copy(image, image.with_name("99.png"))
        elif change == "removed":
            image.unlink()
        assert load(tmp_path / "all", size=4 if change == "size" else 8).checksum != first.checksum
        assert len(list(data_home.iterdir())) == (2 if change == "size" else 1)

    @pytest.mark.parametrize("content", [b"", b"rubbish", None])
    def test_replace_what_is_damaged(self, content, tmp_path, data_home):
        first = load(write_pictures(tmp_path / "all"))
        (cache,) = data_home.iterdir()
        whole = cache.read_bytes()
        cache.write_bytes(whole[:-1] + b"?" if content is None else content)
        assert load(tmp_path / "all").checksum == first.checksum
        assert cache.read_bytes() == whole

    def test_go_without_where_nothing_can_be_kept(self, tmp_path, data_home):
        data_home.parent.write_text("a file")
        assert len(load(write_pictures(tmp_path / "all")).train) == 48


class TestRefused:
    def test_folders(self, tmp_path):
        refusal(tmp_path / "none", f"data.path={tmp_path / 'none'}: no such directory", "a folder of images")
        (tmp_path / "file").touch()
        refusal(tmp_path / "file", "is a file")
        (tmp_path / "empty").mkdir()
        refusal(tmp_path / "empty", "there are no folders in it")
        refusal(write_pictures(tmp_path / "one", ("cat",)), "one class only, cat")
        (write_pictures(tmp_path / "hole") / "ant").mkdir()
        refusal(tmp_path / "hole", f"{tmp_path / 'hole' / 'ant'} holds no images")

    def test_parts(self, tmp_path):
        write_pictures(tmp_path / "all" / "test")
        refusal(tmp_path / "all", f"there is no {tmp_path / 'all' / 'train'}")
        write_pictures(tmp_path / "all" / "train", ("bird", "cat"))
        refusal(tmp_path / "all", f"{tmp_path / 'all' / 'test' / 'dog'}: no class of the training part")
        write_pictures(tmp_path / "all" / "validation")
        refusal(tmp_path / "all", "only val and test are read", "validation")

    @pytest.mark.parametrize("left", [0, 60, -40])
    def test_files_that_are_no_images(self, left, tmp_path, data_home):
        image = write_pictures(tmp_path / "all") / "cat" / "07.png"
        image.write_bytes(image.read_bytes()[:left])
        refusal(tmp_path / "all", f"{image} is not an image, or is damaged", "remove it")
        assert not data_home.exists()
        image.write_text("text")
        refusal(tmp_path / "all", f"{image} is not an image, or is damaged")

    @pytest.mark.parametrize("name", ["07.png", "07.jpg"])
    def test_a_document_that_another_program_would_be_started_for(self, name, tmp_path, monkeypatch):
        program = tmp_path / "bin" / "gs"  # what Pillow has draw PostScript
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\ntouch {tmp_path / 'started'}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        image = write_pictures(tmp_path / "all") / "cat" / name
        image.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n")
        refusal(tmp_path / "all", f"{image} is not an image, or is damaged")
        assert not (tmp_path / "started").exists()

    def test_pixels_of_unknown_range(self, tmp_path):
        image = write_pictures(tmp_path / "all") / "cat" / "07.tif"
        Image.fromarray(np.zeros((8, 8), np.float32)).save(image)
        refusal(tmp_path / "all", f"{image} has pixels of 32 bits")

    @pytest.mark.parametrize(
        ("overrides", "words"),
        [
            (["data.path=null"], "data.path=None: expected a folder with a folder of images"),
            (["data.path=p", "data.color=blue"], "data.color=blue: expected one of grey, rgb"),
            (["data.path=p", "data.size=0"], "data.size=0"),
            (["data.path=p", "model=linear_regression", "loss=squared_error"], "data=image_folder are classes"),
        ],
    )
    def test_configurations(self, overrides, words, checked):
        with pytest.raises(InputError) as caught:
            checked("data=image_folder", *overrides)
        assert words in str(caught.value)


@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_a_run_learns_and_draws_its_weights(color, tmp_path, workplace):
    write_pictures(tmp_path / "all", n=100)
    run = linnet.train(
        [
            "data=image_folder", f"data.path={tmp_path / 'all'}", "data.size=8", f"data.color={color}", "figures=true",
            "trainer.max_epochs=20", "data.batch_size=32", "data.standardize=true",
        ]
    )  # fmt: skip
    assert run.metrics["test/accuracy"] > (0.9 if color == "rgb" else 0.2)
    drawn = {path.name for path in (run.directory / "figures").iterdir()}
    assert {"weights.png", "confident_mistakes.png", "confusion_matrix.png"} <= drawn

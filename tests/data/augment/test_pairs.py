"""Pairs of a clean and a degraded image: sizes, shares, draws, partners in another folder."""

from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest

from gjadet_yolo.data.augment import pairs
from gjadet_yolo.data.augment.pairs import drawn_degradation, paired, partners


class TestPairs:
    def test_both_agree_to_the_pixel(self):
        clean = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
        kept = clean.copy()
        degraded, target = paired(clean, lambda image, rng: image // 2, 0.0, np.random.default_rng(0))
        assert np.array_equal(degraded, kept // 2)
        assert np.array_equal(target, kept)

    def test_a_share_stays_clean(self):
        rng, clean = np.random.default_rng(0), np.full((2, 2, 3), 8, np.uint8)
        same = [np.array_equal(*paired(clean, lambda image, rng: image // 2, 0.25, rng)) for _ in range(400)]
        assert np.mean(same) == pytest.approx(0.25, abs=0.06)  # three deviations of a binomial

    def test_another_size_is_refused(self):
        with pytest.raises(ValueError, match="pairs must agree to the pixel"):
            paired(np.zeros((4, 4, 3), np.uint8), lambda image, rng: image[:2], 0.0, np.random.default_rng(0))


class TestDraws:
    def test_levels_and_kinds_are_drawn_per_image(self, monkeypatch):
        seen = []
        monkeypatch.setattr(pairs, "degrade", lambda image, levels, rng: seen.append(levels) or image)
        degrade = drawn_degradation((("blur", 0.2, 0.4), ("noise", 0.6, 0.6)))
        rng = np.random.default_rng(0)
        for _ in range(200):
            degrade(np.zeros((2, 2, 3), np.uint8), rng)
        levels = np.array([level["blur"] for level in seen if "blur" in level])
        assert 70 < len(levels) < 130
        assert 0.2 <= levels.min() < 0.22 < 0.38 < levels.max() <= 0.4
        assert all(level == {"noise": 0.6} for level in seen if "blur" not in level)

    def test_the_generator_decides(self):
        image = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
        degrade = pickle.loads(pickle.dumps(drawn_degradation((("noise", 0.2, 0.8), ("dust", 0.2, 0.8)))))
        first, again, other = (degrade(image, np.random.default_rng(seed)) for seed in (3, 3, 4))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_a_missing_library_is_said_first(self, monkeypatch):
        def missing():
            raise ModuleNotFoundError("pip install 'gjadet-yolo[degrade]'")

        monkeypatch.setattr(pairs, "albumentations", missing)
        drawn_degradation((("blur", 0, 1),))
        with pytest.raises(ModuleNotFoundError, match="degrade"):
            drawn_degradation((("blur", 0, 1), ("fog", 0, 1)))


class TestPartners:
    @pytest.fixture
    def folders(self, tmp_path):
        for name, suffix, side in (("train", "png", 12), ("clean", "jpg", 12)):
            for place in ("a", "b/c"):
                file = tmp_path / name / f"{place}.{suffix}"
                file.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(file), np.zeros((side, side + 4, 3), np.uint8))
        return tmp_path

    def images(self, folder):
        return sorted(map(str, (folder / "train").rglob("*.png")))

    def test_by_name_below_the_common_folder(self, folders):
        found = partners(self.images(folders), folders / "clean")
        assert found == [folders / "clean" / "a.jpg", folders / "clean" / "b" / "c.jpg"]

    def test_images_without_a_partner_are_listed(self, folders):
        (folders / "clean" / "a.jpg").unlink()
        with pytest.raises(ValueError, match=r"has no partner of: .*train/a\.png\."):
            partners(self.images(folders), folders / "clean")

    def test_other_sizes_are_listed(self, folders):
        cv2.imwrite(str(folders / "clean" / "a.jpg"), np.zeros((12, 12, 3), np.uint8))
        with pytest.raises(ValueError, match=r"not as wide and high as their training images: .*clean/a\.jpg\."):
            partners(self.images(folders), folders / "clean")

    @pytest.mark.parametrize("place", ["train", "train/clean", "."])
    def test_folders_that_lie_in_each_other(self, folders, place):
        (folders / place).mkdir(exist_ok=True)
        with pytest.raises(ValueError, match="lie in each other"):
            partners(self.images(folders), folders / place)

    def test_no_folder(self, folders):
        with pytest.raises(ValueError, match="is no folder"):
            partners(self.images(folders), folders / "cleen")

"""Views of an image: its own, its mirror's, and parts that depend on the content alone."""

import torch

from kernelviz.data.pictures.views import views_of

HASHES = [bytes([number] * 16) for number in range(4)]


def test_first_the_image_then_its_mirror_then_parts():
    images = torch.rand(4, 3, 20, 20)
    views = views_of(images, HASHES, 4)
    assert len(views) == 4 and all(view.shape == images.shape for view in views)
    assert views[0] is images and (views[1] == images.flip(3)).all()
    assert all(view.min() >= 0 and view.max() <= 1 for view in views)
    assert not torch.equal(views[2], views[3])


def test_a_view_depends_on_the_content_alone():
    images = torch.rand(4, 3, 20, 20)
    together, alone = views_of(images, HASHES, 3)[2], views_of(images[2:3], HASHES[2:3], 3)[2]
    torch.testing.assert_close(together[2:3], alone)
    assert len(views_of(images, HASHES, 1)) == 1

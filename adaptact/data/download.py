"""torchvision's downloads, with torchvision imported at the first of them: that takes three seconds, and few processes fetch."""


def download_url(url, folder, name, md5=None):
    """Download a file into a folder; an OSError or a RuntimeError says that it failed or that its md5 is another."""
    from torchvision.datasets import utils

    utils.download_url(url, folder, name, md5)


def extract_archive(path, folder):
    """Unpack an archive into a folder."""
    from torchvision.datasets import utils

    utils.extract_archive(path, folder)

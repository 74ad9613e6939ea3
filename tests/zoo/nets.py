"""The specs of the zoo: how many values each net learns, and which published files it was compared with.

`learned` counts the values of all learned blobs, shared ones once, without BatchNorm's statistics. For the nets that
other frameworks have too, theirs is the same figure, but for ResNet-18 (a projection more here) and ResNet-50 (a bias).
"""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """A published file that a target of a spec equals.

    `repository` is None for a file of BVLC Caffe that the tests read; else the file was compared on the day `compared`,
    at `commit`, and fingerprints.json keeps what it was. `edits` says what was changed in it before.
    """

    target: str
    path: str
    repository: str | None = None
    commit: str = ""
    compared: str = "2026-11-22"
    edits: str = ""


class Net(NamedTuple):
    """A spec of the zoo. `variables` are set where it is compared, to the paths that the published files have."""

    spec: str
    learned: int
    published: tuple[Published, ...]
    deployed: int | None = None
    variables: tuple[tuple[str, str], ...] = ()


def _bvlc(net: str, deploy: str | None, solver: str) -> tuple[Published, ...]:
    paths = {"net": net, "deploy": deploy, "solver": solver}
    return tuple(Published(target, f"{path}.prototxt") for target, path in paths.items() if path is not None)


def _model(name: str, solver: str = "solver") -> tuple[Published, ...]:
    return _bvlc(f"{name}.train_val", f"{name}.deploy", f"{name}.{solver}")


_HE = ("KaimingHe/deep-residual-networks", "a7026cb6d478")
_RESNET_18 = ("HolmesShuan/ResNet-18-Caffemodel-on-ImageNet", "6e9e4cc812fe")
_VGG = ("mqingkui/vgg-prototxt", "8b00bd36aa3d")
_SQUEEZE = ("forresti/SqueezeNet", "51147dc06816")
_FCN = ("shelhamer/fcn.berkeleyvision.org", "1305c7378a9f")
_SRCNN = ("WangDequan/SRCNN", "85679e2ef74e")
_VDSR = ("huangzehao/caffe-vdsr", "5a839232d179")
_LRCN = ("LisaAnne/lisa-caffe-public", "49b8643ddef2")
_HASHNET = ("thuml/HashNet", "85387b814fcf")
_NO_NAME = "given its name, which it lacks"
_ILSVRC_SHORT = "../ilsvrc12_lmdb_shrt_256/ilsvrc12"
_NIN_DATA = "/home/linmin/IMAGENET-LMDB/imagenet"

NETS = (
    Net("lenet", 431_080, _bvlc("mnist.lenet_train_test", "mnist.lenet", "mnist.lenet_solver")),
    Net(
        "cifar10_quick",
        145_578,
        _bvlc("cifar10.cifar10_quick_train_test", "cifar10.cifar10_quick", "cifar10.cifar10_quick_solver"),
    ),
    Net(
        "cifar10_full",
        89_578,
        _bvlc("cifar10.cifar10_full_train_test", "cifar10.cifar10_full", "cifar10.cifar10_full_solver"),
    ),
    Net("mnist_autoencoder", 2_837_314, _bvlc("mnist.mnist_autoencoder", None, "mnist.mnist_autoencoder_solver")),
    Net(
        "mnist_siamese",
        431_102,
        _bvlc("siamese.mnist_siamese_train_test", "siamese.mnist_siamese", "siamese.mnist_siamese_solver"),
    ),
    Net("alexnet", 60_965_224, _model("bvlc_alexnet")),
    Net("caffenet", 60_965_224, _model("bvlc_reference_caffenet")),
    Net("flickr_style", 56_950_164, _model("finetune_flickr_style")),
    Net("googlenet", 13_378_280, _model("bvlc_googlenet", "quick_solver"), deployed=6_998_552),
    Net(
        "nin",
        7_595_176,
        (
            Published("net", "caffe/models/nin_imagenet/train_val.prototxt", *_HASHNET),
            Published(
                "deploy",
                "models/nin_imagenet/deploy.prototxt",
                "AbhimanyuKulkarni/caffe",
                "3c39f6d21576",
                edits="its softmax, which is of the newer format, put in the format of the other layers",
            ),
            Published("solver", "caffe/models/nin_imagenet/solver.prototxt", *_HASHNET),
        ),
        variables=(
            ("train", f"{_NIN_DATA}-train-lmdb"),
            ("test", f"{_NIN_DATA}-val-lmdb"),
            ("mean", f"{_NIN_DATA}-train-mean"),
        ),
    ),
    Net(
        "vgg_16",
        138_357_544,
        (
            Published("net", "VGG_ILSVRC_16_layers_train_val.prototxt", *_VGG),
            Published("deploy", "VGG_ILSVRC_16_layers_deploy.prototxt", *_VGG),
            Published("solver", "vgg_16_solver.prototxt", *_VGG),
        ),
    ),
    Net(
        "resnet_18",
        11_693_736,
        (
            Published("net", "train.prototxt", *_RESNET_18),
            Published("deploy", "deploy.prototxt", *_RESNET_18),
            Published("solver", "solver.prototxt", *_RESNET_18, edits="without device_id, which has two numbers"),
        ),
        variables=(("train", f"{_ILSVRC_SHORT}_train_lmdb"), ("test", f"{_ILSVRC_SHORT}_val_lmdb")),
    ),
    Net("resnet_50", 25_557_096, (Published("deploy", "prototxt/ResNet-50-deploy.prototxt", *_HE),)),
    Net("resnet_101", 44_549_160, (Published("deploy", "prototxt/ResNet-101-deploy.prototxt", *_HE),)),
    Net("resnet_152", 60_192_808, (Published("deploy", "prototxt/ResNet-152-deploy.prototxt", *_HE),)),
    Net(
        "squeezenet",
        1_235_496,
        (
            Published("net", "SqueezeNet_v1.1/train_val.prototxt", *_SQUEEZE, edits=_NO_NAME),
            Published("deploy", "SqueezeNet_v1.1/deploy.prototxt", *_SQUEEZE),
            Published("solver", "SqueezeNet_v1.1/solver.prototxt", *_SQUEEZE),
        ),
    ),
    Net(
        "mobilenet",
        4_231_976,
        (Published("deploy", "mobilenet_deploy.prototxt", "shicai/MobileNet-Caffe", "a0b0c46152e6"),),
    ),
    Net(
        "densenet_121",
        7_978_856,
        (
            Published(
                "deploy",
                "DenseNet_121.prototxt",
                "shicai/DenseNet-Caffe",
                "d47f7b729298",
                edits="without ceil_mode of pool1, which BVLC Caffe doesn't have",
            ),
        ),
    ),
    Net(
        "fcn_8s",
        134_489_759,
        (
            Published("train", "voc-fcn8s/train.prototxt", *_FCN, edits=_NO_NAME),
            Published("test", "voc-fcn8s/val.prototxt", *_FCN, edits=_NO_NAME),
            Published("deploy", "voc-fcn8s/deploy.prototxt", *_FCN),
            Published("solver", "voc-fcn8s/solver.prototxt", *_FCN),
        ),
    ),
    Net(
        "lrcn_activity",
        65_421_285,
        (
            Published("net", "examples/LRCN_activity_recognition/train_test_lstm_RGB.prototxt", *_LRCN),
            Published("deploy", "examples/LRCN_activity_recognition/deploy_lstm.prototxt", *_LRCN),
            Published("solver", "examples/LRCN_activity_recognition/lstm_solver_RGB.prototxt", *_LRCN),
        ),
    ),
    Net(
        "srcnn",
        8_129,
        (
            Published("net", "SRCNN_net.prototxt", *_SRCNN),
            Published("solver", "SRCNN_solver.prototxt", *_SRCNN),
        ),
    ),
    Net(
        "vdsr",
        665_921,
        (
            Published("net", "Train/VDSR_net.prototxt", *_VDSR),
            Published("deploy", "Train/VDSR_net_deploy.prototxt", *_VDSR),
            Published("solver", "Train/VDSR_solver.prototxt", *_VDSR),
        ),
    ),
)

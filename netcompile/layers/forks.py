"""Layer types and messages of well-known forks of Caffe, so that an unknown one can be told from a misspelt one.

Only for hints: what these types compute is not known here, and another fork may have a type of the same name.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

_FORKS: Final = {
    "SSD (weiliu89/caffe)": "AnnotatedData DetectionEvaluate DetectionOutput MultiBoxLoss Normalize Permute PriorBox",
    "Fast R-CNN (rbgirshick/caffe-fast-rcnn)": "ROIPooling SmoothL1Loss",
    "R-FCN (daijifeng001/caffe-rfcn)": "BoxAnnotatorOHEM PSROIPooling SmoothL1LossOHEM",
    "DeepLab": "DenseCRF ImageSegData Interp MatRead MatWrite SegAccuracy UniqueLabel",
    "SegNet (alexgkendall/caffe-segnet)": "BN DenseImageData Upsample",
    "HED and RCF": "ImageLabelmapData",
    "SENet": "Axpy",
    "MobileNet's forks": "DepthwiseConvolution ReLU6",
    "ShuffleNet's forks": "ShuffleChannel",
    "FlowNet 2 (lmb-freiburg/flownet2)": "ChannelNorm Correlation CustomData DataAugmentation FlowWarp L1Loss Resample",
    "CRF-RNN": "MultiStageMeanfield",
    "caffe-face (ydwen/caffe-face)": "CenterLoss",
    "SphereFace": "MarginInnerProduct",
    "forks with deformable convolution": "DeformableConvolution",
    "forks with spatial transformers": "SpatialTransformer",
    "forks for speech and text": "CTCLoss CtcLoss Lstm Transpose WarpCTC",
    "YOLO's forks": "RegionLoss YoloDetectionOutput Yolov3 Yolov3DetectionOutput",
    "forks for metric learning": "TripletLoss",
    "forks for detection": "FocalLoss",
}
_MESSAGES: Final = {
    "SSD (weiliu89/caffe)": "annotated_data_param detection_evaluate_param detection_output_param multibox_loss_param "
    "norm_param permute_param prior_box_param",
    "Fast R-CNN (rbgirshick/caffe-fast-rcnn)": "roi_pooling_param smooth_l1_loss_param",
    "R-FCN (daijifeng001/caffe-rfcn)": "box_annotator_ohem_param psroi_pooling_param",
    "DeepLab": "interp_param seg_accuracy_param unique_label_param",
    "SegNet (alexgkendall/caffe-segnet)": "bn_param dense_image_data_param upsample_param",
    "ShuffleNet's forks": "shuffle_channel_param",
    "forks with deformable convolution": "deformable_convolution_param",
    "forks with spatial transformers": "st_param",
    "caffe-face (ydwen/caffe-face)": "center_loss_param",
    "SphereFace": "margin_inner_product_param",
    "FlowNet 2 (lmb-freiburg/flownet2)": "augmentation_param correlation_param l1_loss_param resample_param",
}
FORK_TYPES: Final = MappingProxyType({name: fork for fork, names in _FORKS.items() for name in names.split()})


_FIELDS: Final = {name: fork for fork, names in _MESSAGES.items() for name in names.split()}


def fork_field_hint(name: str) -> str | None:
    """Say which fork has a layer's message of this very name; None where no known one has it."""
    fork = _FIELDS.get(name)
    return None if fork is None else f"it is a message of {fork}: --caffe PATH reads it"


def fork_hint(name: str) -> str | None:
    """Say which fork has a layer type of this very name; None where no known one has it."""
    fork = FORK_TYPES.get(name)
    if fork is None:
        return None
    remedy = "--caffe PATH reads its messages; `custom: true` or --allow-custom-layers takes it as it is"
    return f"it is a type of {fork}: {remedy}"

"""What is fuzzed, by name."""

from __future__ import annotations

import importlib.util
import zipfile

from benchmarks.fuzz.good_files import (
    COCO,
    OWN_SCHEME,
    POSE_ROW,
    TOML,
    array,
    encoded_patches,
    lip_zip,
    nested_zip,
    picture,
    small_pool,
)
from benchmarks.fuzz.readers import (
    read_annotations,
    read_id_list,
    read_labels,
    read_patches,
    read_photograph,
    read_pool,
    read_pose_rows,
    read_spool,
    read_zip,
)
from benchmarks.fuzz.target import Target
from partpool import load_taxonomy

WORDS = (
    b"[[class]]", b"name", b"labels", b"size", b"= 1e999", b"= nan", b"= -1", b"= true", b"= {}", b"= []", b"[scheme]",
    b"scheme", b"extends", b"mirror", b"bridge", b'""', b"'''", b"[" * 3000, b"a.b.c = 1", b"requires = [[]]", b"\xff",
    b"split = true", b"1979-05-27", b"keypoints", b"neck", b'"hat"', b"= 10000000000000000000000000000",
)  # fmt: skip
TARGETS = {
    "pool": Target(lambda: (small_pool("jpeg"), small_pool("raw")), read_pool, ".h5"),
    "patch": Target(encoded_patches, read_patches, ".bin"),
    "labels": Target(
        lambda: (picture("PNG", labels=True), picture("PNG", labels=True, mode="P"), picture("PNG", mode="L")),
        read_labels, ".png",
    ),
    "photograph": Target(
        lambda: tuple(picture(kind) for kind in ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF"))
        + (picture("JPEG", mode="L"), picture("JPEG", mode="CMYK"), picture("TIFF", mode="F")),
        read_photograph, ".jpg",
    ),
    "id list": Target(
        lambda: (b"0\n1\n", b"\xef\xbb\xbf0.jpg\r\n1.jpg\r\n"), read_id_list, ".txt",
        (b"../../../etc/passwd\n", b"\0", b"/etc/passwd", b"train_images/0", b"\n" * 99, b"a" * 70000, b"\xff\xfe"),
    ),
    "array": Target(
        lambda: (array("u1"), array("<i8"), array("?"), array("<f4")), read_labels, ".npy",
        (b"'descr': '|O'", b"(99999999999, 9)", b"fortran_order': True", b"<U9999999", b"'shape': (", b"{", b"}"),
    ),
    "pose rows": Target(
        lambda: (POSE_ROW * 2, b"0.jpg" + b",nan" * 48 + b"\n"), read_pose_rows, ".csv",
        (b",", b"nan", b"inf", b"1e999", b'"', b"\r", b"\0", b"0.jpg", b"-", b"9" * 500, b"," * 9999),
    ),
    "keypoints": Target(
        lambda: (COCO, POSE_ROW, b"x,y,v\n1,2,2\n3,4,1\n"), read_annotations, ".json",
        (b"[" * 5000, b"{}", b"null", b'"keypoints": 3', b"1e999", b"NaN", b'"image_id": {}', b"-1", b'"\\ud800"'),
    ),
    "taxonomy": Target(lambda: (TOML, OWN_SCHEME), load_taxonomy, ".toml", WORDS),
    "zip": Target(
        lambda: (lip_zip(zipfile.ZIP_STORED), lip_zip(zipfile.ZIP_DEFLATED), nested_zip()), read_zip, ".zip",
        (b"../../../escaped.jpg", b"/tmp/escaped", b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", b"train_images/0.jpg"),
    ),
    "spool": Target(
        lambda: (b'{"token": "1"}\n{"codec": "jpeg"}\n["train_images/0.jpg", "", [[1, 1.0], null, null]]\n',),
        read_spool, ".json",
    ),
}  # fmt: skip
if importlib.util.find_spec("torch") is not None:
    from asda_aug.adversarial.checkpoint import read_checkpoint, read_weights
    from benchmarks.fuzz.checkpoints import generator, weights

    TARGETS |= {
        "generator": Target(
            lambda: (generator(),), read_checkpoint, ".safetensors",
            (b"F64", b"BOOL", b'"shape":[9999999999]', b'"data_offsets":[0,99999999999]', b"{", b'"__metadata__"'),
        ),
        "weights": Target(
            lambda: (weights(),), read_weights, ".pth",
            (b"cos\nsystem\n(S'true'\ntR.", b"PK\x05\x06", b"\x80\x04\x95", b"ctorch\n", b"data.pkl"),
        ),
    }  # fmt: skip

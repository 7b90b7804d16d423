"""Answer for images with an exported file: python onnx_predict.py line.onnx new/*.png."""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession(sys.argv[1])
card = json.loads(session.get_modelmeta().custom_metadata_map["mlff"])
for path in sys.argv[2:]:
    pixels = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    scores, defect_score, novelty, decision = session.run(None, {"image": pixels[None]})
    label = card["classes"][scores[0].argmax()]
    print(path, label, card["decisions"][decision[0]], f"{defect_score[0]:.3f} {novelty[0]:.3f}")

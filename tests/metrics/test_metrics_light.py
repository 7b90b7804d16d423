import subprocess
import sys


def test_metrics_and_results_import_nothing_heavy():
    code = (
        "import sys\n"
        "from mlff_cli.metrics import equivalence, figures, registry\n"
        "from mlff_cli.results import aggregate, comparison, pictures, tables\n"
        "from mlff_cli.results.renderers import csv, html, markdown, terminal\n"
        "registry.all_metrics()\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'pandas', 'matplotlib', 'rich'} & set(sys.modules)\n"
        "sys.exit(' '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr

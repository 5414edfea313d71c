"""A DAG of somebody who runs untrusted images without any challenge."""

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_synapse_challenge.containers.policy import MIB, Policy
from airflow_synapse_challenge.operators.model_container import ModelContainerOperator

PROGRAM = """
import sys, time
time.sleep({{ params.seconds }})
open(sys.argv[1], "w").write(open("/input/kind.txt").read())
print("done")
"""

with DAG(
    "anybody",
    schedule=None,
    params={
        "input_dir": Param(type="string"),
        "output": Param("/output/predictions.csv", type="string"),
        "seconds": Param(0, type="integer"),
        "result_path": Param(type="string"),
    },
):
    ModelContainerOperator(
        task_id="predict",
        image="airflow-synapse-challenge/evaluation:latest",
        command=["python3", "-c", PROGRAM, "{{ params.output }}"],
        input_dir="{{ params.input_dir }}",
        result="predictions.csv",
        result_path="{{ params.result_path }}",
        policy=Policy(memory_bytes=96 * MIB, timeout=timedelta(minutes=2)),
        retries=3,
    )

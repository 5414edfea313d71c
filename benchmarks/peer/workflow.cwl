# The evaluation of a prediction file as CWL: the eleven steps of today's data-to-model template.
# Both `check` steps are expressions there and need no container; here they are short commands without one.
cwlVersion: v1.2
class: Workflow

requirements:
  NetworkAccess: {networkAccess: true}
  ResourceRequirement: {coresMin: 0.25, ramMin: 100}

inputs:
  submissionId: string
  submitterUploadSynId: string
  organizersId: string
  groundtruthSynId: string
  synapseConfig: File
  check: File

outputs: []

steps:
  set_submitter_folder_permissions:
    in: {config: synapseConfig, entity: submitterUploadSynId, principal: organizersId}
    out: []
    run:
      class: CommandLineTool
      requirements: {DockerRequirement: {dockerPull: airflow-synapse-challenge/bench-peer-steps}}
      baseCommand: [python3, /opt/peer/set_permissions.py]
      inputs:
        config: {type: File, inputBinding: {position: 1}}
        entity: {type: string, inputBinding: {position: 2}}
        principal: {type: string, inputBinding: {position: 3}}
      outputs: []

  download_submission:
    in: {config: synapseConfig, submission: submissionId}
    out: [predictions]
    run:
      class: CommandLineTool
      requirements: {DockerRequirement: {dockerPull: airflow-synapse-challenge/bench-peer-steps}}
      baseCommand: [python3, /opt/peer/download_submission.py]
      inputs:
        config: {type: File, inputBinding: {position: 1}}
        submission: {type: string, inputBinding: {position: 2}}
      outputs:
        predictions: {type: File, outputBinding: {glob: "submission/*"}}

  download_groundtruth:
    in: {config: synapseConfig, entity: groundtruthSynId}
    out: [file]
    run:
      class: CommandLineTool
      requirements: {DockerRequirement: {dockerPull: airflow-synapse-challenge/bench-peer-steps}}
      baseCommand: [python3, /opt/peer/download_entity.py]
      inputs:
        config: {type: File, inputBinding: {position: 1}}
        entity: {type: string, inputBinding: {position: 2}}
      outputs:
        file: {type: File, outputBinding: {glob: "entity/*"}}

  validate:
    in: {predictions: download_submission/predictions, truth: download_groundtruth/file}
    out: [results]
    run:
      class: CommandLineTool
      requirements: {DockerRequirement: {dockerPull: airflow-synapse-challenge/bench-peer-steps}}
      baseCommand: [python3, /opt/evaluation/validate.py]
      arguments: [-o, results.json]
      inputs:
        predictions: {type: File, inputBinding: {prefix: -p}}
        truth: {type: File, inputBinding: {prefix: -g}}
      outputs:
        results: {type: File, outputBinding: {glob: results.json}}

  send_validation_results:
    in: {config: synapseConfig, submission: submissionId, results: validate/results}
    out: []
    run:
      class: CommandLineTool
      requirements: {DockerRequirement: {dockerPull: airflow-synapse-challenge/bench-peer-steps}}
      baseCommand: [python3, /opt/peer/mail_validation.py]
      inputs:
        config: {type: File, inputBinding: {position: 1}}
        submission: {type: string, inputBinding: {position: 2}}
        results: {type: File, inputBinding: {position: 3}}
      outputs: []

  add_validation_annots:
    in: {config: synapseConfig, submission: submissionId, results: validate/results}
    out: [finished]
    run:
      class: CommandLineTool
      requirements: {DockerRequirement: {dockerPull: airflow-synapse-challenge/bench-peer-steps}}
      baseCommand: [python3, /opt/peer/annotate.py]
      stdout: finished.txt
      inputs:
        config: {type: File, inputBinding: {position: 1}}
        submission: {type: string, inputBinding: {position: 2}}
        results: {type: File, inputBinding: {position: 3}}
      outputs:
        finished: stdout

  check_validation_status:
    in: {check: check, results: validate/results, after: add_validation_annots/finished}
    out: [finished]
    run:
      class: CommandLineTool
      baseCommand: python3
      stdout: finished.txt
      inputs:
        check: {type: File, inputBinding: {position: 1}}
        results: {type: File, inputBinding: {position: 2}}
        after: File
      outputs:
        finished: stdout

  score:
    in:
      predictions: download_submission/predictions
      truth: download_groundtruth/file
      after: check_validation_status/finished
    out: [results]
    run:
      class: CommandLineTool
      requirements: {DockerRequirement: {dockerPull: airflow-synapse-challenge/bench-peer-steps}}
      baseCommand: [python3, /opt/evaluation/score.py]
      arguments: [-o, results.json]
      inputs:
        predictions: {type: File, inputBinding: {prefix: -p}}
        truth: {type: File, inputBinding: {prefix: -g}}
        after: File
      outputs:
        results: {type: File, outputBinding: {glob: results.json}}

  send_score_results:
    in: {config: synapseConfig, submission: submissionId, results: score/results}
    out: []
    run:
      class: CommandLineTool
      requirements: {DockerRequirement: {dockerPull: airflow-synapse-challenge/bench-peer-steps}}
      baseCommand: [python3, /opt/peer/mail_scores.py]
      inputs:
        config: {type: File, inputBinding: {position: 1}}
        submission: {type: string, inputBinding: {position: 2}}
        results: {type: File, inputBinding: {position: 3}}
      outputs: []

  add_score_annots:
    in: {config: synapseConfig, submission: submissionId, results: score/results}
    out: [finished]
    run:
      class: CommandLineTool
      requirements: {DockerRequirement: {dockerPull: airflow-synapse-challenge/bench-peer-steps}}
      baseCommand: [python3, /opt/peer/annotate.py]
      stdout: finished.txt
      inputs:
        config: {type: File, inputBinding: {position: 1}}
        submission: {type: string, inputBinding: {position: 2}}
        results: {type: File, inputBinding: {position: 3}}
      outputs:
        finished: stdout

  check_score_status:
    in: {check: check, results: score/results, after: add_score_annots/finished}
    out: [finished]
    run:
      class: CommandLineTool
      baseCommand: python3
      stdout: finished.txt
      inputs:
        check: {type: File, inputBinding: {position: 1}}
        results: {type: File, inputBinding: {position: 2}}
        after: File
      outputs:
        finished: stdout

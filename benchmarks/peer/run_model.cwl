# Today's way to run a submitted image: a step of the workflow starts it as a sibling container on the same engine.
cwlVersion: v1.2
class: CommandLineTool
requirements:
  ResourceRequirement: {coresMin: 0.1, ramMin: 100}
  EnvVarRequirement: {envDef: {DOCKER_HOST: $(inputs.engine)}}
baseCommand:
  - sh
  - -c
  - 'chmod 777 . && docker run --rm --network none --memory 512m --volume "$PWD:/output" "$0"'
inputs:
  engine: string
  image: {type: string, inputBinding: {position: 1}}
outputs:
  predictions: {type: File, outputBinding: {glob: predictions.csv}}

# Today's way to run a submitted image: a step of the workflow starts it as a sibling container on the same engine.
cwlVersion: v1.2
class: CommandLineTool
requirements:
  InlineJavascriptRequirement: {}
  ResourceRequirement: {coresMin: 0.1, ramMin: 100}
baseCommand: [sh, -c]
arguments:
  - valueFrom: |
      chmod 777 . && docker run --rm --network none --memory 512m --volume "$PWD:/output" "$(inputs.image)"
inputs:
  image: string
outputs:
  predictions: {type: File, outputBinding: {glob: predictions.csv}}

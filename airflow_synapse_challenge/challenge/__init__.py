"""
The rules of a challenge, without any input or output: what ``challenge.yaml`` may say, what a status, a result file
or an annotation means, where files go, what mails say, who is next and who is first.
"""

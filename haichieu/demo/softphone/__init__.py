"""A telephone under a script's control: places and takes real SIP calls for demo, tests and test calls.

`python -m haichieu.demo.softphone` is the phone itself (`process`); `SoftPhone` in `controller` starts and steers one.
"""

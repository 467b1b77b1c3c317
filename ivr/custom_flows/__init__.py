"""The station's own call flows: drafts, published versions, and what the switchboard takes of them.

A flow comes with the program as version 0. A draft is worked on, checked and published as the next version; going back
publishes an earlier one anew, so that the versions are a history and nothing in it changes.

    HaiChieuError
    ├── FlowChangedMeanwhile  somebody else was faster
    ├── NoSuchFlow            the program knows no flow of this name
    ├── NoSuchVersion         the flow has no version of this number
    ├── AlreadyInUse          going back to what is in use
    ├── NoDraft               there is none to work on
    └── NoReason              a version says why it was published
    UsageError
    ├── FlowMistakes          (ivr.flows.mistakes) a definition cannot be used
    └── StepRefused           a step cannot be what was asked for
"""

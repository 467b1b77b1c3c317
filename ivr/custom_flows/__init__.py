"""Custom call flows: drafts, published versions, and the versions in use.

The built-in flow is version 0. A draft is edited, checked and published as the next version; rolling back publishes an
earlier one again, so that the history never changes.

    HaiChieuError
    ├── FlowChangedMeanwhile  another user changed the flow first
    ├── AlreadyInUse          rolling back to the version in use
    ├── NoDraft               the flow has no draft
    ├── NoReason              a version needs a reason
    └── NotFound
        ├── NoSuchFlow        there is no flow of this name
        └── NoSuchVersion     the flow has no version of this number
    UsageError
    ├── FlowMistakes          (ivr.flows.mistakes) a definition cannot be used
    └── StepRefused           the change of a step was refused
"""

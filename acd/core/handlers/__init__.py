"""What each command does: one function per command, which checks everything and then mutates.

Owns the table from command type to function. A function returns a `Refusal`, having changed
nothing, or None. To add a command: its message, its function here, its row in ARCHITECTURE.md.
"""

from collections.abc import Callable
from typing import Any, Final

from acd.core.domain import Domain
from acd.core.handlers import (
    agents,
    callbacks,
    conferences,
    devices,
    interactions,
    offers,
    passing,
    queues,
    settings,
    staffing,
    supervision,
    transfers,
    updates,
    wrap_up,
)
from acd.core.messages import (
    AcceptOffer,
    ApplyConfig,
    CancelInteraction,
    CloseQueue,
    ConfigureAgents,
    DeclineOffer,
    EndInteraction,
    EndWrapUp,
    EnqueueInteraction,
    ExtendWrapUp,
    FailCallback,
    FailOffer,
    HoldWork,
    LeaveInteraction,
    MergeConsult,
    MoveInteraction,
    NoteDevice,
    NoteEstimate,
    NoteInteraction,
    OpenQueue,
    RecallInteraction,
    Recover,
    Refusal,
    ReprioritizeInteraction,
    RequestWrapUp,
    RequeueInteraction,
    ResumeWork,
    SetDisposition,
    SetPresence,
    SignInAgent,
    SignOutAgent,
    SuperviseInteraction,
    Tick,
    TransferInteraction,
    UpdateInteraction,
)

# The table pairs each function with the only type it is called with, which the type system cannot say.
Handler = Callable[[Domain, Any], Refusal | None]

HANDLERS: Final[dict[type, Handler]] = {
    ApplyConfig: settings.apply_config,
    ConfigureAgents: staffing.configure_agents,
    SignInAgent: agents.sign_in,
    SignOutAgent: agents.sign_out,
    SetPresence: agents.set_presence,
    NoteDevice: devices.note_device,
    HoldWork: agents.hold_work,
    ResumeWork: agents.resume_work,
    EndWrapUp: wrap_up.end_wrap_up,
    RequestWrapUp: wrap_up.request_wrap_up,
    ExtendWrapUp: wrap_up.extend_wrap_up,
    SetDisposition: wrap_up.set_disposition,
    TransferInteraction: transfers.transfer,
    MergeConsult: conferences.merge,
    LeaveInteraction: conferences.leave,
    EnqueueInteraction: interactions.enqueue,
    EndInteraction: interactions.end,
    CancelInteraction: interactions.cancel,
    RequeueInteraction: interactions.requeue,
    FailCallback: callbacks.fail_callback,
    OpenQueue: queues.open_queue,
    CloseQueue: queues.close_queue,
    NoteEstimate: queues.note_estimate,
    ReprioritizeInteraction: supervision.reprioritize,
    MoveInteraction: supervision.move,
    RecallInteraction: supervision.recall,
    SuperviseInteraction: supervision.supervise,
    UpdateInteraction: updates.update,
    NoteInteraction: updates.note,
    AcceptOffer: offers.accept,
    DeclineOffer: offers.decline,
    FailOffer: offers.fail,
    Tick: passing.tick,
    Recover: passing.recover,
}

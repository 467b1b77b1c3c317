"""The password, asked again before a change that lasts longer than the session, in case the browser is unattended."""

from admin.access.errors import AccessRefused, WrongPassword
from admin.access.gate import address_of_request
from admin.access.sign_in import PanelSignIn
from admin.access.visitors import visitor
from admin.layout.pages import Form
from admin.layout.sent_forms import not_part_of_the_form
from admin.panel import Panel
from haichieu.database import now
from haichieu.people import Account

FIELD = "password"
OWN = "panel.access.wrong_own_password"
"""For an account that is signed in: only the password can be wrong."""


def confirm_password(panel: Panel, form: Form) -> None:
    """Raise WrongPassword or LockedOut unless the form has the visitor's password. An empty field is no attempt."""
    if not form.value(FIELD):
        raise WrongPassword(OWN)
    with panel.database.reading() as session:
        account = session.get_one(Account, visitor().account.id)
    with not_part_of_the_form():
        refusal = PanelSignIn(panel.database, panel.vault).check_again(
            account, form.value(FIELD), visitor().login_id, address_of_request(), now()
        )
    if isinstance(refusal, WrongPassword):
        raise WrongPassword(OWN)
    if isinstance(refusal, AccessRefused):
        raise refusal


def not_confirmed(form: Form, refusal: AccessRefused) -> Form:
    """Return the form with the refusal at its password."""
    form.problems[FIELD] = refusal.message
    return form

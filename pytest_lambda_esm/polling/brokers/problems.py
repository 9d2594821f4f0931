"""What keeps a mapping of a message broker from polling, and how the mapping's state shows it."""

from __future__ import annotations

from pytest_lambda_esm.polling.brokers.context import BrokerContext, Problem
from pytest_lambda_esm.sources.mq import NO_BROKER, NO_QUEUE, REFUSALS, access
from pytest_lambda_esm.sources.rules import BAD_FUNCTION, BROKER_FUNCTION_TIMEOUT


class Problems:
    """The problem that the mapping's state shows now, if there is one."""

    def __init__(self, context: BrokerContext) -> None:
        self._context = context
        self._shown: Problem | None = None

    def find(self) -> Problem | None:
        """Return why the mapping cannot poll now, or None."""
        context = self._context
        broker = context.broker()
        if broker.is_deleted:
            return NO_BROKER
        if broker.refusal is not None:
            return REFUSALS[broker.refusal]
        if context.forbidden(context.mapping) is not None:
            return REFUSALS["authorization"]
        if (context.timeout(context.mapping) or 0) > BROKER_FUNCTION_TIMEOUT:
            return BAD_FUNCTION
        problem = context.login_problem(context.mapping._in_force, broker)
        return problem or (NO_QUEUE if context.queue() is None else None)

    def must_show(self, problem: Problem | None) -> bool:
        """Whether the mapping's state does not show a problem yet, or still shows one that is over."""
        mapping = self._context.mapping
        if problem != self._shown:
            return True
        return problem is not None and mapping.state == "Enabled" and mapping.history[-1].reason == mapping._user_reason

    def show(self, problem: Problem | None) -> None:
        """Show a problem in the mapping's state, or remove the one that is over."""
        mapping, before = self._context.mapping, self._shown
        if not self.must_show(problem):
            return
        self._shown = problem
        if problem is not None:
            code, text = problem
            self._context.journal.add("poll", f"mapping {mapping.uuid}", text)
            mapping._last_result = text
            if mapping.state == "Enabled" and mapping.history[-1].reason != code:
                mapping.force("Enabled", reason=code)
        elif before is not None:
            code, text = before
            if mapping._last_result == text:
                mapping._last_result = "OK"
            if mapping.state == "Enabled" and mapping.history[-1].reason == code:
                mapping.force("Enabled", reason=mapping._user_reason)

    def explain(self, problem: Problem) -> list[str]:
        """Return a problem as lines for people, with what a test can do about it."""
        context = self._context
        code, text = problem
        lines = [f"it does not poll, {code}: {text}"]
        broker, settings = context.broker(), context.settings()
        if broker.is_deleted or broker.refusal is not None:
            return lines
        if problem == NO_QUEUE:
            made = f"broker.queue({settings.queue!r}, {settings.virtual_host!r})"
            return [*lines, f"the broker has no queue {settings.queue!r} in {settings.virtual_host!r}: {made} makes it"]
        if problem == BAD_FUNCTION:
            longest = f"the longest timeout of a function behind a broker is {BROKER_FUNCTION_TIMEOUT} seconds"
            return [*lines, longest]
        secret = access(context.mapping._in_force, "BASIC_AUTH")
        users = f" of one of {sorted(broker.users)}" if broker.users is not None else ""
        return [
            *lines,
            f"Lambda reads the login from the secret {secret}: Secrets Manager must have it, as a JSON object with"
            f" 'username' and 'password'{users}",
        ]

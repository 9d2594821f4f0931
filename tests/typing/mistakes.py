"""Never run: each line that ends in a comment is a mistake, which mypy and pyright have to find.

Both report a comment that hides nothing, so a mistake that is no longer found fails the check as well.
"""

from __future__ import annotations

from pytest_lambda_esm import Config, FakeLambda, Settings, latency, marks, throttled


def states(fake: FakeLambda) -> None:
    print(fake.mapping("uuid").state == "enabled")  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]
    print(fake.mapping("uuid").history[0].state == "Enabeld")  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]
    print(fake.mapping("uuid").state in ("enabled", "disabled"))  # pyright: ignore[reportUnnecessaryContains]
    fake.mapping("uuid").hold("Updaing")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fake.mapping("uuid").hold("Enabled")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fake.mapping("uuid").force("enabled")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def words(fake: FakeLambda) -> None:
    print(fake.invocations[0].outcome == "failed")  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]
    print(fake.fates("arn")[0].fate == "dead_lettered")  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]
    print(fake.timeline[0].kind == "calls")  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]
    fake.timeline.of("invocations")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fake.journey("id").of("send")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    throttled("TooMany")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(latency(1).kind == "Latency")  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]


def settings(fake: FakeLambda) -> None:
    FakeLambda(regoin="eu-west-1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    FakeLambda(limits="2021")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FakeLambda(transitions={"creatin": 3})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Config(advice="warning")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fake.transitions(creatin=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    fake.transitions(creating="fast")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fake.mapping("uuid").transitions(deletin=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    marks.settings(regoin="eu-west-1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def lambda_esm_config() -> Settings:
    return {"regoin": "eu-west-1"}  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportReturnType]


def faults(fake: FakeLambda) -> None:
    fake.faults.add("Invoke", "ServiceException", per="cal")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fake.faults.add("Invoke", "ServiceException", count=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    fake.sweep(per="calls")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    marks.fault("Invoke", "ServiceException", time=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def sources(fake: FakeLambda) -> None:
    fake.table("users", stream="NEW_IMAGES")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fake.queue("orders", visibilty=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    fake.advance(minute=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    fake.clock.advance("5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

"""What tools leave behind for a deployment: CDK's cloud assembly (``cdk.out``), and Serverless Framework's packages.

Both are folders with templates, and with the code that the templates name by bucket and key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_lambda_esm.deploy.code import FindAsset, no_assets, read_json
from pytest_lambda_esm.deploy.template import Template, read_file
from pytest_lambda_esm.errors import DeployError, nearest

_SERVERLESS: Final = "cloudformation-template-update-stack.json"
_MANIFEST: Final = "manifest.json"
_STACK: Final = "aws:cloudformation:stack"
_OF_BOOTSTRAP: Final = ("BootstrapVersion",)


@dataclass(frozen=True, slots=True)
class Found:
    """A template, what finds the code that it names, and the name of its stack if there is one."""

    template: Template
    find_asset: FindAsset = no_assets
    stack_name: str = ""


def find(path: Path, stack_name: str | None) -> Found:
    """Return the template at a path: a file, a cloud assembly, or a package of the Serverless Framework.

    Raises DeployError where there is none, or where an assembly has several stacks and none was chosen by name.
    """
    __tracebackhide__ = True
    if path.is_dir():
        for folder in (path, path / "cdk.out"):
            if (folder / _MANIFEST).is_file():
                return _stack_of_assembly(folder, stack_name)
        for folder in (path, path / ".serverless"):
            if (folder / _SERVERLESS).is_file():
                return _package(folder / _SERVERLESS)
        for name in ("template.yaml", "template.yml", "template.json"):
            if (path / name).is_file():
                return Found(read_file(path / name))
        raise DeployError(
            f"the folder {str(path)!r} has no template.yaml, no cdk.out (run 'cdk synth') and no .serverless (run"
            f" 'serverless package')"
        )
    if path.name == _SERVERLESS:
        return _package(path)
    if path.name == _MANIFEST:
        return _stack_of_assembly(path.parent, stack_name)
    if path.name.endswith(".template.json") and (path.parent / _MANIFEST).is_file():
        return Found(_without_bootstrap(read_file(path)), _Assets(path.parent))
    return Found(read_file(path))


# --- CDK -------------------------------------------------------------------------------------------------------


def _stack_of_assembly(folder: Path, stack_name: str | None) -> Found:
    try:
        artifacts = read_json(folder / _MANIFEST).get("artifacts", {})
    except (OSError, ValueError, AttributeError) as problem:
        raise DeployError(f"the cloud assembly {str(folder)!r} has no readable {_MANIFEST}: {problem}") from None
    stacks = {name: each for name, each in artifacts.items() if each.get("type") == _STACK}
    names = {str(each.get("properties", {}).get("stackName") or name): name for name, each in stacks.items()}
    chosen = names.get(stack_name or "", stack_name or "")
    if chosen not in stacks:
        if len(stacks) != 1:
            raise DeployError(
                f"the cloud assembly {str(folder)!r} has {len(stacks)} stacks; choose one with stack_name="
                f" {', '.join(sorted(names)) or '(run cdk synth first)'}"
            )
        chosen = next(iter(stacks))
    stack = stacks[chosen]
    template = read_file(folder / stack["properties"]["templateFile"])
    name = str(stack["properties"].get("stackName") or chosen)
    return Found(_without_bootstrap(template), _Assets(folder), name)


def _without_bootstrap(template: Template) -> Template:
    """Leave out what CDK adds for its own use: the version of its bootstrap stack, and its metadata."""
    body = dict(template.body)
    body["Parameters"] = {
        name: each for name, each in template.section("Parameters").items() if name not in _OF_BOOTSTRAP
    }
    body["Resources"] = {
        name: each for name, each in template.resources.items() if each["Type"] != "AWS::CDK::Metadata"
    }
    body.pop("Rules", None)
    return template.with_body(body)


class _Assets:
    """The assets of a cloud assembly: a resource's metadata has the path, the assets' manifests have all keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_key: dict[str, Path] | None = None

    def __call__(self, resource: Mapping[str, Any], name: str) -> Path | None:
        metadata = resource.get("Metadata") or {}
        path = metadata.get("aws:asset:path")
        if path is not None and metadata.get("aws:asset:property", name) == name:
            return self._existing(self._folder / path)
        given = (resource.get("Properties") or {}).get(name)
        key = given.get("S3Key") if isinstance(given, dict) else given
        return self._keys().get(key) if isinstance(key, str) else self._of_url(given)

    def _of_url(self, given: Any) -> Path | None:
        """Find a nested template: its URL ends in the key of an asset, whichever function joins its parts."""
        text = given
        while isinstance(text, (dict, list)) and text:
            text = text[-1] if isinstance(text, list) else text.get("Fn::Sub") or text.get("Fn::Join")
        return self._keys().get(text.rpartition("/")[2]) if isinstance(text, str) else None

    def _keys(self) -> dict[str, Path]:
        if self._by_key is None:
            self._by_key = {}
            for manifest in sorted(self._folder.glob("*.assets.json")):
                for each in read_json(manifest).get("files", {}).values():
                    for destination in each.get("destinations", {}).values():
                        self._by_key[destination["objectKey"]] = self._folder / each["source"]["path"]
        return self._by_key

    def _existing(self, path: Path) -> Path:
        if not path.exists():
            raise DeployError(f"the cloud assembly has no {str(path)!r}; run 'cdk synth' again")
        return path.resolve()


# --- Serverless Framework --------------------------------------------------------------------------------------


def _package(file: Path) -> Found:
    def find_asset(resource: Mapping[str, Any], name: str) -> Path | None:
        given = (resource.get("Properties") or {}).get(name)
        key = given.get("S3Key") if isinstance(given, dict) else None
        if not isinstance(key, str):
            return None
        artifact = file.parent / key.rpartition("/")[2]
        if artifact.is_file():
            return artifact.resolve()
        known = [each.name for each in file.parent.glob("*.zip")]
        hint = nearest(artifact.name, known) if known else "Run 'serverless package' first."
        raise DeployError(f"the package {str(file.parent)!r} has no {artifact.name!r}. {hint}")

    return Found(read_file(file), find_asset)

from pytest_lambda_esm.patching import Patches
def install(patches: Patches) -> None: pass

"""Kubernetes manifests as we write them, checked against what Waymark is; their form a cluster checks itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from casework.adapters.health import FINISH_SECONDS
from launcher.deployment.ours import find_part
from launcher.deployment.pods import (
    Json,
    check_image,
    check_part,
    check_port,
    check_probe_path,
    check_variables,
)

VERSIONS = {
    **dict.fromkeys(("ConfigMap", "PersistentVolumeClaim", "Service"), "v1"),
    **dict.fromkeys(("Deployment", "StatefulSet"), "apps/v1"),
    **{"Job": "batch/v1", "PodDisruptionBudget": "policy/v1", "HorizontalPodAutoscaler": "autoscaling/v2"},
    "NetworkPolicy": "networking.k8s.io/v1",
}
WORKLOADS = ("Deployment", "StatefulSet", "Job")
SECRETS = "waymark-secrets"
PROBE_KINDS = ("startupProbe", "livenessProbe", "readinessProbe")


@dataclass(frozen=True, kw_only=True)
class Manifests:
    documents: tuple[Json, ...]

    def all(self, *kinds: str) -> list[Json]:
        return [each for each in self.documents if each.get("kind") in kinds]

    def names(self, *kinds: str) -> set[str]:
        return {name_of(each) for each in self.all(*kinds)}


def name_of(document: Json) -> str:
    return str(document.get("metadata", {}).get("name", "?"))


def read_manifests(folder: Path) -> Manifests:
    """Every document of every file, by file name."""
    yaml = YAML(typ="safe")
    found = [each for path in sorted(folder.glob("*.yaml")) for each in yaml.load_all(path.read_text())]
    return Manifests(documents=tuple(each for each in found if each is not None))


def check_manifests(root: Path, manifests: Manifests) -> list[str]:
    """What is wrong, a sentence each; empty where all is well."""
    found = [
        f"{name_of(each)}: {each.get('kind')} {each.get('apiVersion')} is not known here."
        for each in manifests.documents
        if VERSIONS.get(str(each.get("kind"))) != each.get("apiVersion")
    ]
    names = [(each.get("kind"), name_of(each)) for each in manifests.documents]
    found += [
        f"{name}: there are two {kind} of that name."
        for kind, name in set(names)
        if names.count((kind, name)) > 1
    ]
    for each in manifests.all("ConfigMap"):
        data = each.get("data", {})
        found += check_variables(root, name_of(each), data, plain=data)
    for each in manifests.all(*WORKLOADS):
        found += _check_workload(root, manifests, each)
    found += [*_check_selectors(manifests), *_check_rasa_policy(manifests)]
    return found


def _check_workload(root: Path, manifests: Manifests, workload: Json) -> list[str]:
    name, pod = name_of(workload), workload["spec"]["template"]["spec"]
    found = [*_check_pod(name, pod), *_check_claims(name, pod, manifests)]
    for container in pod["containers"]:
        found += _check_container(root, manifests, name, pod, container, is_job=workload["kind"] == "Job")
    if workload["kind"] == "Job":
        return found
    labels = workload["spec"]["template"]["metadata"]["labels"]
    if not any(_selects(each["spec"]["selector"], labels) for each in manifests.all("PodDisruptionBudget")):
        found.append(f"{name}: no PodDisruptionBudget is for it.")
    return found


def _check_pod(name: str, pod: Json) -> list[str]:
    context = pod.get("securityContext", {})
    is_wanted = {
        "a service account's token is mounted": pod.get("automountServiceAccountToken") is False,
        "it may run as root": context.get("runAsNonRoot") is True and context.get("runAsUser", 0) > 0,
        "no seccomp profile": context.get("seccompProfile", {}).get("type") == "RuntimeDefault",
        "the host's network is its own": not pod.get("hostNetwork"),
    }
    return [f"{name}: {problem}." for problem, is_well in is_wanted.items() if not is_well]


def _check_claims(name: str, pod: Json, manifests: Manifests) -> list[str]:
    volumes = pod.get("volumes", [])
    claims = {
        each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each
    }
    secrets = {each["secret"]["secretName"] for each in volumes if "secret" in each}
    unknown = sorted(claims - manifests.names("PersistentVolumeClaim"))
    return [
        *(f"{name}: there is no claim {each}." for each in unknown),
        *(
            f"{name}: secrets come from {each}, and not from {SECRETS}."
            for each in sorted(secrets - {SECRETS})
        ),
    ]


def _check_container(
    root: Path, manifests: Manifests, name: str, pod: Json, container: Json, *, is_job: bool
) -> list[str]:
    arguments = [str(each) for each in container.get("args", [])]
    part = find_part(root, arguments)
    told = container.get("env", [])
    environment = {each["name"]: str(each["value"]) for each in told if "value" in each}
    found = check_part(root, name, arguments) + check_image(name, container["image"], part)
    found += check_variables(root, name, [each["name"] for each in told], plain=environment)
    maps = {each["configMapRef"]["name"] for each in container.get("envFrom", [])}
    found += [
        f"{name}: there is no ConfigMap {each}." for each in sorted(maps - manifests.names("ConfigMap"))
    ]
    found += _check_confinement(name, container)
    if part is None or is_job:
        return found
    leave = float(environment.get("WAYMARK_LEAVE_SECONDS", 0))
    if pod.get("terminationGracePeriodSeconds", 30) <= leave + FINISH_SECONDS:
        found.append(f"{name}: it is killed before it has finished what it has in hand.")
    return [*found, *_check_probes(name, part, container, arguments, environment)]


def _check_confinement(name: str, container: Json) -> list[str]:
    context, resources = container.get("securityContext", {}), container.get("resources", {})
    is_wanted = {
        "it may gain rights": context.get("allowPrivilegeEscalation") is False,
        "its own files can be written": context.get("readOnlyRootFilesystem") is True,
        "it has capabilities": context.get("capabilities", {}).get("drop") == ["ALL"],
        "it has no limits": {"cpu", "memory"} <= set(resources.get("limits", {})),
        "it asks for no share": {"cpu", "memory"} <= set(resources.get("requests", {})),
    }
    return [f"{name}: {problem}." for problem, is_well in is_wanted.items() if not is_well]


def _check_probes(
    name: str, part: str, container: Json, arguments: list[str], environment: Mapping[str, str]
) -> list[str]:
    ports = {each["name"]: int(each["containerPort"]) for each in container.get("ports", [])}
    found = []
    for kind in PROBE_KINDS:
        probe = container.get(kind, {}).get("httpGet")
        if probe is None:
            found.append(f"{name}: there is no {kind}.")
            continue
        found += check_probe_path(name, part, probe["path"])
        if probe["port"] not in ports:
            found.append(f"{name}: the {kind} asks at {probe['port']}, which is no port of it.")
    for port in ports.values():
        found += check_port(name, part, port, arguments, environment)
    return found


def _check_selectors(manifests: Manifests) -> list[str]:
    """Nothing is for nobody, and nobody is without a policy."""
    labels = {
        name_of(each): each["spec"]["template"]["metadata"]["labels"] for each in manifests.all(*WORKLOADS)
    }
    found = []
    for each in manifests.all("Service", "PodDisruptionBudget"):
        selector = each["spec"]["selector"]
        wanted = selector if "matchLabels" in selector else {"matchLabels": selector}
        if not any(_selects(wanted, of) for of in labels.values()):
            found.append(f"{name_of(each)}: the {each['kind']} is for nobody.")
    for each in manifests.all("HorizontalPodAutoscaler"):
        if each["spec"]["scaleTargetRef"]["name"] not in labels:
            found.append(f"{name_of(each)}: it scales nothing that is there.")
    policies = manifests.all("NetworkPolicy")
    for name, of in labels.items():
        if not any(
            "app" in _matched(each) and _selects(each["spec"]["podSelector"], of) for each in policies
        ):
            found.append(f"{name}: no NetworkPolicy says whom it may talk with.")
        if not any(_refuses_all(each) and _selects(each["spec"]["podSelector"], of) for each in policies):
            found.append(f"{name}: what no NetworkPolicy allows is not refused.")
    return found


def _check_rasa_policy(manifests: Manifests) -> list[str]:
    """It reads what strangers write: it reaches the actions, by TCP, and nothing else; not even names."""
    found = []
    for policy in manifests.all("NetworkPolicy"):
        if _matched(policy).get("app") != "waymark-rasa":
            continue
        reached = {peer for rule in policy["spec"].get("egress", []) for peer in _peers(rule)}
        if reached != {("waymark-actions", "TCP")}:
            found.append("waymark-rasa: its NetworkPolicy lets it reach more, or less, than the actions.")
    return found


def _peers(rule: Json) -> Iterator[tuple[str, str]]:
    protocols = {str(port.get("protocol", "TCP")) for port in rule.get("ports", [])} or {"any"}
    for peer in rule.get("to") or [{}]:
        # Only pods of this namespace have a name here: a peer with anything else beside is everybody.
        name = peer.get("podSelector", {}).get("matchLabels", {}).get("app", "anybody")
        for protocol in protocols:
            yield (name if set(peer) == {"podSelector"} else "anybody"), protocol


def _matched(policy: Json) -> dict[str, Any]:
    return dict(policy["spec"]["podSelector"].get("matchLabels", {}))


def _refuses_all(policy: Json) -> bool:
    spec = policy["spec"]
    is_both = set(spec.get("policyTypes", [])) == {"Ingress", "Egress"}
    return is_both and not spec.get("ingress") and not spec.get("egress")


def _selects(selector: Json, labels: Json) -> bool:
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())

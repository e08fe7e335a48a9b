"""Resolves the CloudFormation functions in a part of a deployed template, as far as an API definition uses them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.stack.errors import StackError
from opportunities.domain import Json

_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True)
class Resolver:
    """What the names of one deployed stack stand for."""

    refs: Mapping[str, Json]  # parameters, pseudo parameters, and the physical ids of resources
    arns: Mapping[str, str]  # of resources, by logical id
    conditions: Mapping[str, Json]  # the template's section

    def resolve(self, node: Json) -> Json:
        match node:
            case {"Ref": str(name)}:
                return self._ref(name)
            case {"Fn::GetAtt": [str(name), "Arn"]}:
                return self._arn(name)
            case {"Fn::Split": [str(separator), text]}:
                return list(str(self.resolve(text)).split(separator))
            case {"Fn::Sub": str(text)}:
                return _PLACEHOLDER.sub(lambda found: self._substitute(found[1]), text).replace("${!", "${")
            case {"Fn::If": [str(condition), then, otherwise]}:
                return self.resolve(then if self._holds(self.conditions[condition]) else otherwise)
            case dict() if unknown := next((name for name in node if name.startswith("Fn::")), None):
                message = f"The local stack cannot resolve {unknown}: teach it in {__file__}."
                raise StackError(message)
        return self._inside(node)

    def _inside(self, node: Json) -> Json:
        if isinstance(node, dict):
            return {name: self.resolve(value) for name, value in node.items() if not self._is_left_out(value)}
        return [self.resolve(value) for value in node] if isinstance(node, list) else node

    def _holds(self, condition: Json) -> bool:
        match condition:
            case {"Condition": str(name)}:
                return self._holds(self.conditions[name])
            case {"Fn::Equals": [left, right]}:
                return self.resolve(left) == self.resolve(right)
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::And": list(inner)}:
                return all(self._holds(one) for one in inner)
            case {"Fn::Or": list(inner)}:
                return any(self._holds(one) for one in inner)
        message = f"The local stack cannot judge the condition {condition}: teach it in {__file__}."
        raise StackError(message)

    def _is_left_out(self, node: Json) -> bool:
        match node:
            case {"Fn::If": [str(condition), then, otherwise]}:
                return self._is_left_out(then if self._holds(self.conditions[condition]) else otherwise)
        return node == {"Ref": "AWS::NoValue"}

    def _substitute(self, name: str) -> str:
        if name.endswith(".Arn"):
            return self._arn(name.removesuffix(".Arn"))
        return str(self._ref(name))

    def _ref(self, name: str) -> Json:
        if name not in self.refs:
            message = f"The API's definition names {name}, which the deployed stack does not have."
            raise StackError(message)
        return self.refs[name]

    def _arn(self, name: str) -> str:
        if name not in self.arns:
            message = f"The API's definition names {name}.Arn, which the local stack does not know: only Lambdas' are."
            raise StackError(message)
        return self.arns[name]

import copy
from itertools import count
from typing import Any

import boto3
import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from infra.local.stack import openapi
from infra.local.stack.errors import StackError
from infra.local.stack.gateway import write
from infra.local.stack.intrinsics import Resolver
from opportunities.domain import Json
from tests.support.template import template

URI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"
RESOLVER = Resolver(
    refs={"AWS::Partition": "aws", "AWS::Region": "us-east-1", "Issuer": "", "Pool": "pool-1", "Audience": ["a", "b"]},
    arns={"Status": "arn:status"},
    conditions={"Own": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Issuer"}, ""]}]}, "Both": {"Condition": "Own"}},
)


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"Ref": "Audience"}, ["a", "b"]),
        ({"Fn::GetAtt": ["Status", "Arn"]}, "arn:status"),
        ({"Fn::Sub": "x/${AWS::Region}/${Status.Arn}/${!Literal}"}, "x/us-east-1/arn:status/${Literal}"),
        ({"Fn::If": ["Own", "yes", {"Ref": "Pool"}]}, "pool-1"),
        ({"Fn::If": ["Both", "yes", "no"]}, "no"),
        ({"Fn::Split": [",", {"Fn::Sub": "a,${Pool}"}]}, ["a", "pool-1"]),
        ({"a": {"Fn::If": ["Own", 1, {"Ref": "AWS::NoValue"}]}, "b": 2}, {"b": 2}),
        ([{"a": {"Ref": "Pool"}}, 1, None], [{"a": "pool-1"}, 1, None]),
    ],
)
def test_an_intrinsic_function_is_resolved(node: Json, value: Json) -> None:
    assert RESOLVER.resolve(node) == value


@pytest.mark.parametrize(
    "node",
    [{"Ref": "Nothing"}, {"Fn::GetAtt": ["Nothing", "Arn"]}, {"Fn::ImportValue": "x"}, {"Fn::Sub": "${Nothing}"}],
)
def test_unresolvable_intrinsic_is_an_error_and_never_a_wrong_route(node: Json) -> None:
    with pytest.raises(StackError):
        RESOLVER.resolve(node)


def operation(function: str, security: Json = None) -> Json:
    found: dict[str, Json] = {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": URI.format(function)}}
    return found if security is None else found | {"security": security}


def body(**paths: Json) -> Json:
    jwt: Json = {
        "x-amazon-apigateway-authorizer": {
            "type": "jwt",
            "identitySource": "$request.header.Authorization",
            "jwtConfiguration": {"issuer": "https://issuer", "audience": ["client"]},
        }
    }
    return {
        "paths": {f"/{name}": path for name, path in paths.items()},
        "components": {"securitySchemes": {"Jwt": jwt}},
    }


def test_routes_are_read_with_their_authorizer() -> None:
    read = openapi.routes(body(profile={"get": operation("p", [{"Jwt": ["scope"]}]), "put": operation("p")}))
    assert sorted(read, key=lambda route: route.key) == [
        openapi.Route("GET /profile", URI.format("p"), "Jwt", ("scope",)),
        openapi.Route("PUT /profile", URI.format("p"), None, ()),
    ]


@pytest.mark.parametrize(
    "scheme", [{"type": "apiKey"}, {"x-amazon-apigateway-authorizer": {"type": "request", "identitySource": "x"}}]
)
def test_an_authorizer_that_would_be_lost_is_an_error(scheme: Json) -> None:
    with pytest.raises(StackError):
        list(openapi.authorizers({"components": {"securitySchemes": {"Other": scheme}}}))


class FakeGateway:
    """Keeps what apigatewayv2 would."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, dict[str, Any]]] = {"Authorizer": {}, "Integration": {}, "Route": {}}
        self.cors: Json = None
        self.writes: list[str] = []
        self.ids = count()

    def update_api(self, *, ApiId: str, CorsConfiguration: Json) -> None:  # noqa: N803 - AWS's names
        assert ApiId
        self.cors = CorsConfiguration

    def get_api(self, *, ApiId: str) -> dict[str, Any]:  # noqa: N803
        assert ApiId
        return {"CorsConfiguration": self.cors} if self.cors else {}

    def delete_cors_configuration(self, *, ApiId: str) -> None:  # noqa: N803
        assert ApiId
        self.cors = None

    def __getattr__(self, call: str) -> Any:
        verb, kind = call.removesuffix("s").split("_")
        kept = self.kept[kind.title()]
        identity = f"{kind.title()}Id"

        def do(**arguments: Any) -> dict[str, Any]:
            if verb == "get":
                return {"Items": list(kept.values())}
            self.writes.append(f"{verb} {arguments.get('RouteKey', kind)}")
            key = arguments.pop(identity, None) or f"{kind}-{next(self.ids)}"
            if verb == "delete":
                return kept.pop(key)
            kept[key] = arguments | {identity: key}
            return kept[key]

        return do


def test_the_api_gets_the_routes_of_the_template_and_loses_the_others() -> None:
    gateway = FakeGateway()
    write(gateway, "api", body(old={"get": operation("old")}, status={"get": operation("s", [{"Jwt": []}])}))
    first = {route["RouteKey"]: route for route in gateway.kept["Route"].values()}
    assert first["GET /status"]["AuthorizationType"] == "JWT"
    assert first["GET /status"]["AuthorizerId"] in gateway.kept["Authorizer"]
    assert first["GET /old"]["AuthorizationType"] == "NONE"

    gateway.writes.clear()
    write(
        gateway, "api", body(new={"post": operation("n", [{"Jwt": []}])}, status={"get": operation("s", [{"Jwt": []}])})
    )
    second = {route["RouteKey"]: route for route in gateway.kept["Route"].values()}
    assert second.keys() == {"GET /status", "POST /new"}
    assert second["GET /status"]["RouteId"] == first["GET /status"]["RouteId"]
    assert "create GET /status" not in gateway.writes
    assert len(gateway.kept["Authorizer"]) == 1


def processed(**parameters: str) -> Json:
    """The body of the template's API as SAM writes it and CloudFormation reads it, for these parameters."""
    source = copy.deepcopy(template())
    for resource in source["Resources"].values():
        match resource["Type"]:
            case "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = "s3://artifacts/code"
            case "AWS::Serverless::LayerVersion":
                resource["Properties"]["ContentUri"] = "s3://artifacts/layer"
            case "AWS::Serverless::StateMachine":
                resource["Properties"]["DefinitionUri"] = "s3://artifacts/definition"
    session = boto3.Session(region_name="eu-central-1")
    translated = Translator({}, Parser(), boto_session=session).translate(source, parameters)
    pseudo = ("AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::StackName", "AWS::URLSuffix")
    refs: dict[str, Json] = dict.fromkeys((*translated["Resources"], *pseudo), "x")
    arns = {name: f"arn:{name}" for name in translated["Resources"]}
    refs |= {name: one.get("Default", "") for name, one in translated["Parameters"].items()}
    resolver = Resolver(refs | {"JwtAudience": [""], **parameters}, arns, translated["Conditions"])
    return resolver.resolve(translated["Resources"]["Api"]["Properties"]["Body"])


def test_no_page_of_another_site_may_call_the_api_unless_its_site_is_named() -> None:
    assert openapi.cors(processed()) == {}
    opened = openapi.cors(processed(AllowedOrigins="https://desk.example,https://app.example"))
    assert opened["AllowOrigins"] == ["https://desk.example", "https://app.example"]
    assert opened["AllowHeaders"] == ["Authorization", "Content-Type", "Idempotency-Key", "Prefer"]
    assert "AllowCredentials" not in opened


def test_the_api_gets_the_origins_of_the_template_and_loses_them_again() -> None:
    gateway = FakeGateway()
    said: Json = {"allowOrigins": ["https://desk.example"], "maxAge": 60}
    write(gateway, "api", {"x-amazon-apigateway-cors": said, "paths": {}})
    assert gateway.cors == {"AllowOrigins": ["https://desk.example"], "MaxAge": 60}
    write(gateway, "api", {"paths": {}})
    assert gateway.cors is None

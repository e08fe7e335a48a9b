"""Gives the emulator's HTTP API what the template says of it: MiniStack ignores the `Body` of an API.

Everything comes from the body of the deployed template; no route is named here.
"""

import json
from typing import Any, cast

from infra.local.stack import environment, openapi
from infra.local.stack.emulator import Emulator
from infra.local.stack.errors import StackError
from infra.local.stack.intrinsics import Resolver
from opportunities.domain import Json

_API = "AWS::ApiGatewayV2::Api"
_FUNCTION = "AWS::Lambda::Function"
type _Client = Any  # botocore makes its clients' methods at run time


def configure(emulator: Emulator, stack_name: str) -> str:
    """Brings authorizers, integrations, routes and CORS in line with the template; the address of the API."""
    cloudformation = emulator.client("cloudformation")
    template = _processed_template(cloudformation, stack_name)
    resources = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
    resolver = _resolver(cloudformation, stack_name, template, resources)
    apis = [resource for resource in resources if resource["ResourceType"] == _API]
    if len(apis) != 1:
        message = f"The local stack serves one HTTP API, and template.yaml has {len(apis)}."
        raise StackError(message)
    api_id: str = apis[0]["PhysicalResourceId"]
    body = resolver.resolve(template["Resources"][apis[0]["LogicalResourceId"]]["Properties"]["Body"])
    write(emulator.client("apigatewayv2"), api_id, body)
    return f"{emulator.endpoint_url}/_aws/execute-api/{api_id}"  # the default stage needs no name


def write(gateway: _Client, api_id: str, body: Json) -> None:
    """Routes that stay the same are never absent in between: scans may be running."""
    if pages := openapi.cors(body):
        gateway.update_api(ApiId=api_id, CorsConfiguration=pages)
    elif gateway.get_api(ApiId=api_id).get("CorsConfiguration"):
        gateway.delete_cors_configuration(ApiId=api_id)
    existing = {item["Name"]: item["AuthorizerId"] for item in gateway.get_authorizers(ApiId=api_id)["Items"]}
    authorizer_ids = {one.name: _put_authorizer(gateway, api_id, one, existing) for one in openapi.authorizers(body)}
    integrations = {
        item["IntegrationUri"]: item["IntegrationId"] for item in gateway.get_integrations(ApiId=api_id)["Items"]
    }
    surplus = {item["RouteKey"]: item["RouteId"] for item in gateway.get_routes(ApiId=api_id)["Items"]}
    for route in openapi.routes(body):
        if route.function_uri not in integrations:
            integrations[route.function_uri] = gateway.create_integration(
                ApiId=api_id,
                IntegrationType="AWS_PROXY",
                IntegrationUri=route.function_uri,
                PayloadFormatVersion="2.0",
            )["IntegrationId"]
        settings: dict[str, object] = {
            "ApiId": api_id,
            "RouteKey": route.key,
            "Target": f"integrations/{integrations[route.function_uri]}",
            "AuthorizationType": "NONE",
        }
        if route.authorizer:
            settings |= {
                "AuthorizationType": "JWT",
                "AuthorizerId": authorizer_ids[route.authorizer],
                "AuthorizationScopes": list(route.scopes),
            }
        route_id = surplus.pop(route.key, None)
        if route_id:
            gateway.update_route(RouteId=route_id, **settings)
        else:
            gateway.create_route(**settings)
    for route_id in surplus.values():
        gateway.delete_route(ApiId=api_id, RouteId=route_id)


def _put_authorizer(gateway: _Client, api_id: str, authorizer: openapi.Authorizer, existing: dict[str, str]) -> str:
    settings = {
        "ApiId": api_id,
        "Name": authorizer.name,
        "AuthorizerType": "JWT",
        "IdentitySource": [authorizer.identity_source],
        "JwtConfiguration": {"Issuer": authorizer.issuer, "Audience": list(authorizer.audience)},
    }
    if authorizer.name in existing:
        gateway.update_authorizer(AuthorizerId=existing[authorizer.name], **settings)
        return existing[authorizer.name]
    return cast(str, gateway.create_authorizer(**settings)["AuthorizerId"])


def _processed_template(cloudformation: _Client, stack_name: str) -> dict[str, Any]:
    template = cloudformation.get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]
    return cast(dict[str, Any], json.loads(template) if isinstance(template, str) else template)


def _resolver(
    cloudformation: _Client, stack_name: str, template: dict[str, Any], resources: list[dict[str, str]]
) -> Resolver:
    (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    account = stack["StackId"].split(":")[4]
    lists = {name for name, one in template["Parameters"].items() if one["Type"] == "CommaDelimitedList"}
    parameters: dict[str, Json] = {
        one["ParameterKey"]: one["ParameterValue"].split(",") if one["ParameterKey"] in lists else one["ParameterValue"]
        for one in stack["Parameters"]
    }
    pseudo = {
        "AWS::AccountId": account,
        "AWS::Partition": "aws",
        "AWS::Region": environment.REGION,
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }
    physical_ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}
    arns = {
        one["LogicalResourceId"]: f"arn:aws:lambda:{environment.REGION}:{account}:function:{one['PhysicalResourceId']}"
        for one in resources
        if one["ResourceType"] == _FUNCTION
    }
    return Resolver(parameters | pseudo | physical_ids, arns, template.get("Conditions", {}))

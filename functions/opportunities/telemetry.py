"""Metrics in CloudWatch's embedded format, and the one logger. Lambda itself writes the log records as JSON."""

import logging

from aws_lambda_powertools.metrics import MetricUnit, single_metric

logger = logging.getLogger("opportunities")


def count(name: str, value: float = 1, unit: MetricUnit = MetricUnit.Count, **dimensions: str) -> None:
    """Emits one metric of the namespace OpportunityScan; `dimensions` must have few values (never an id)."""
    with single_metric(name=name, unit=unit, value=value, namespace="OpportunityScan") as metric:
        for key, text in dimensions.items():
            metric.add_dimension(name=key, value=text)

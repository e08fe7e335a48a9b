"""Counts metrics in CloudWatch's embedded format."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric


def count(name: str, scan_id: str, **dimensions: str) -> None:
    """Adds one to a metric of the namespace OpportunityScan; `dimensions` must have few values.

    The id is no dimension: the log line of the metric carries it, so that a scan can be found there.
    """
    with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace="OpportunityScan") as metric:
        metric.add_metadata(key="scan_id", value=scan_id)
        for key, text in dimensions.items():
            metric.add_dimension(name=key, value=text)

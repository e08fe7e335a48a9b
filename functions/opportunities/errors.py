"""What can go wrong, each said in one plain sentence. `api/http.py` maps them to status codes, once.

OpportunityError
├── Unsuitable           a market or an investor lacks what a strategy needs: the outcome is `skipped`
├── InvalidRequest       the caller's input: 422, field by field
├── Unauthenticated      no verified identity: 401
├── ScanNotFound         an id that this caller never got, or that has expired or been deleted: 404
├── Conflict             the scan is not in a state for what was asked: 409
│   └── ScanDeleted      this id was deleted by its owner and is not used again
├── ContentTooLarge      a body beyond the limit: 413
├── UnsupportedContent   a body that does not call itself JSON: 415
├── TooManyRequests      this caller has used up the minute: 429
├── Unavailable          a service that we need does not answer now: 503
└── MarketUnavailable    no snapshot could be had: the scan fails with this reason
    └── MarketDataError  recorded data that cannot be read as what it claims to be: file, row and cause
"""


class OpportunityError(Exception):
    """Base of every error that this package raises on purpose."""


class Unsuitable(OpportunityError):
    """The market or the investor lacks what a strategy needs; the message says what."""


class InvalidRequest(OpportunityError):
    """The caller's input breaks a rule; `fields` maps each offending field to what is wrong with it."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.fields = fields
        super().__init__("; ".join(f"{name}: {what}" for name, what in fields.items()))


class Unauthenticated(OpportunityError):
    """The request carries no identity that the authorizer has verified."""


class ScanNotFound(OpportunityError):
    """No scan with this id for this caller."""


class Conflict(OpportunityError):
    """What was asked does not fit the state of the scan."""


class ScanDeleted(Conflict):
    """The scan of this id was deleted by its owner; the id is not used again while it is remembered."""


class ContentTooLarge(OpportunityError):
    """The request's body is longer than this service reads."""


class UnsupportedContent(OpportunityError):
    """The request's body calls itself something other than JSON."""


class TooManyRequests(OpportunityError):
    """The caller has made as many requests as a minute allows."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class Unavailable(OpportunityError):
    """Something we depend on does not answer now; trying again later may help."""

    retry_after_seconds = 2


class MarketUnavailable(OpportunityError):
    """No market snapshot could be captured or found."""


class MarketDataError(MarketUnavailable):
    """Recorded market data is not what it should be; the message names file, row and cause."""

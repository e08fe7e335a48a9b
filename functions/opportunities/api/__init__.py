"""HTTP requests come in here and answers go out: checks of requests, problems, and the API's description."""

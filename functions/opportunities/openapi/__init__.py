"""The API's description: `answers` has the models of what is answered, `document` puts it all together."""

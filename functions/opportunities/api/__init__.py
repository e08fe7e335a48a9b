"""What callers may ask and are answered: HTTP in and out, request and response models, and their OpenAPI document."""

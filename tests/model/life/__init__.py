"""An app whose workflow has something of everything, for the model-based test."""

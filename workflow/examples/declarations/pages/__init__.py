"""The pages on which people make declarations and decide about them."""

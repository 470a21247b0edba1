"""The style guide at `/styleguide`: every element, and sample pages over invented data. Development only."""

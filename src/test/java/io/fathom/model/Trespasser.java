package io.fathom.model;

import io.fathom.config.UserError;

/** Breaks the plan of the house on purpose, so that its rule is seen to see. */
public record Trespasser(UserError error) {}

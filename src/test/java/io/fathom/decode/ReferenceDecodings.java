package io.fathom.decode;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A test of every decoding that the reference gives: model, signal, and the name of the logits to reach. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest
@CsvSource({
    "dense, ROUTER, logits",
    "mod_raw, ROUTER, logits_router",
    "mod_sigmoid_aux, ROUTER, logits_router",
    "mod_sigmoid_predictor, ROUTER, logits_router",
    "mod_sigmoid_predictor, PREDICTOR, logits_predictor",
    "mod_every_block, ROUTER, logits_router",
    "mod_every_block, PREDICTOR, logits_predictor",
})
@interface ReferenceDecodings {}

package io.fathom.engine.cuda;

import io.fathom.program.Instruction;
import io.fathom.program.Value;

/** Where values lie on the device. */
interface Addresses {
    /** Address of {@code value}; parameters and gradients are float. */
    long of(Value value);

    /**
     * Address of {@code value} as a factor of a product: the bfloat16 copy of a parameter where products are narrow.
     */
    long factor(Value value);

    /** The batch's Gaussian numbers for {@code scores}: staged with each batch. */
    long noise(Instruction.RandomScores scores);

    /** Rows in order of their token, equal tokens by position: staged with each batch. */
    long tokenOrder();
}

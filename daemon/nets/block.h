// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_BLOCK_H
#define FERMATA_NETS_BLOCK_H

#include <stdint.h>

struct batch;
struct buffer;
struct engine_place;
struct kernel;
struct shape;

/**
 * block: one layer of a transformer, attention and perceptron, with the ring of the keys and values
 * that it has heard. The equations are those of models/transformer.py.
 */
struct block;

/** What the blocks of a net share. */
struct block_place {
    const struct engine_place *engine;
    struct kernel *attend;  ///< made of program_attend_texel or _plain
    struct kernel *normed;  ///< of program_matrix_*: stores the product with the normed input
    struct kernel *squared; ///< the same, squared where positive
    struct kernel *added;   ///< adds the product
    struct kernel *few;     ///< the same, of an input of which few values are not zero
    struct buffer *places;  ///< struct note_place of each lane
    struct buffer *x;       ///< [width], in and out
    struct buffer *qkv;     ///< [3 width], scratch
    struct buffer *mixed;   ///< [width], scratch
    struct buffer *hidden;  ///< [hidden], scratch
    const struct shape *shape;
};

/** Texels of a lane's ring on any device, at most. */
uint64_t block_ring_texels(uint32_t heads, uint32_t window);

/** Layer number `index` of the file. Returns 0, -EBADMSG (logged), -ENOMEM, -ENODEV or -EIO. */
int block_new(const struct block_place *place, uint32_t index, struct block **ret_block);
void block_free(struct block *block);

/** The ring, and how many words of four bytes each lane has in it, one lane behind the other. */
struct buffer *block_ring(const struct block *block, uint32_t *ret_words);

/** Records a step, and a barrier behind it. */
void block_record(const struct block *block, struct batch *batch);

#endif

// SPDX-License-Identifier: MIT
#include "nets/handover.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "compute/batch.h"
#include "compute/buffer.h"
#include "compute/kernel.h"
#include "nets/engine.h"
#include "nets/form.h"
#include "nets/programs.h"

/** Invocations of a workgroup of shaders/hand_over.comp. */
#define LOCAL_SIZE 32

bool handover_fits(const struct form *a, const struct form *b)
{
    return a->device == b->device && a->texel == b->texel && a->width == b->width;
}

/** Where a lane's quads lie: span, stride and first quad, as shaders/hand_over.comp has it. */
static void tell_place(const struct handover_end *end, int32_t ret_place[3])
{
    const struct form *form = end->form;
    ret_place[0] = (int32_t)(form->width / form->tile);
    ret_place[1] = (int32_t)(form->lanes / form->tile * form->width);
    ret_place[2] = (int32_t)(end->lane / form->tile * form->width + end->lane % form->tile);
}

/** Of what lies side by side, by a kernel. */
struct carrier {
    struct kernel **kernel;
    struct binding *bindings[ENGINE_MOST_VIEWS];
    uint32_t count;
};

static int carry(struct carrier *carrier, struct batch *batch, const struct handover_end *from,
                 const struct handover_end *to, const struct engine_view *view,
                 struct buffer *target)
{
    struct form_kernel kernel = {&program_hand_over, &program_hand_over, "ss", {0}, 0};
    int r = *carrier->kernel ? 0 : form_new_kernel(to->form, &kernel, carrier->kernel);
    struct binding **binding = &carrier->bindings[carrier->count];
    if (r == 0)
        r = binding_new(*carrier->kernel, (struct buffer *[]){view->buffer, target}, binding);
    if (r < 0)
        return r;
    carrier->count++;
    int32_t push[7] = {(int32_t)view->features / 4};
    tell_place(from, push + 1);
    tell_place(to, push + 4);
    batch_dispatch(batch, *binding, push, sizeof push,
                   (view->features / 4 + LOCAL_SIZE - 1) / LOCAL_SIZE, 1);
    return 0;
}

static int record(struct carrier *carrier, struct batch *batch, const struct handover_end *from,
                  const struct handover_end *to)
{
    struct engine_view sources[ENGINE_MOST_VIEWS], targets[ENGINE_MOST_VIEWS];
    uint32_t count = from->engine->kind->keeps(from->engine, sources);
    uint32_t same = to->engine->kind->keeps(to->engine, targets);
    assert(same == count);
    (void)same;
    int r = batch_begin(batch);
    for (uint32_t i = 0; i < count && r == 0; i++) {
        size_t size = (size_t)sources[i].features * 4;
        assert(sources[i].features == targets[i].features && size % 16 == 0);
        if (sources[i].lane_by_lane)
            batch_copy(batch, sources[i].buffer, from->lane * size, targets[i].buffer,
                       to->lane * size, size);
        else
            r = carry(carrier, batch, from, to, &sources[i], targets[i].buffer);
    }
    return r < 0 ? r : batch_end(batch);
}

int handover_run(const struct handover_end *from, const struct handover_end *to,
                 struct kernel **kernel)
{
    struct carrier carrier = {.kernel = kernel};
    struct batch *batch = NULL;
    assert(handover_fits(from->form, to->form));
    int r = batch_new(to->form->device, &batch);
    if (r == 0)
        r = record(&carrier, batch, from, to);
    if (r == 0)
        r = batch_run(batch);
    batch_free(batch);
    for (uint32_t i = 0; i < carrier.count; i++)
        binding_free(carrier.bindings[i]);
    return r;
}

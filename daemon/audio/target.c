// SPDX-License-Identifier: MIT
#include "audio/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pipewire/pipewire.h>

// It does not include what it needs.
#include <pipewire/extensions/metadata.h>

/** Sinks of one name: more of them are not counted. */
#define SINKS 16

struct target {
    char *name;
    struct pw_core *core;
    struct pw_stream *stream;
    struct pw_registry *registry;
    struct pw_proxy *metadata; ///< where movers leave their wish
    uint32_t metadata_id;
    struct spa_hook core_hook, registry_hook, metadata_hook;
    uint32_t sinks[SINKS]; ///< global ids of those that have the name
    size_t count;
    int sync;
    bool listed; ///< all that was there has been told
    bool moved;
    void (*on_change)(void *user);
    void *user;
};

static int on_property(void *data, uint32_t subject, const char *key, const char *type,
                       const char *value)
{
    struct target *target = data;
    (void)type;
    if (subject != pw_stream_get_node_id(target->stream))
        return 0;
    if (key && strcmp(key, "target.object") != 0 && strcmp(key, "target.node") != 0)
        return 0;
    // WirePlumber itself writes -1, the default sink, where it finds none of the name; so it does
    // where somebody has moved the stream to the default one.
    target->moved = key && value && (target->count > 0 || strcmp(value, "-1") != 0);
    target->on_change(target->user);
    return 0;
}

static const struct pw_metadata_events metadata_events = {
    PW_VERSION_METADATA_EVENTS,
    .property = on_property,
};

static void bind_metadata(struct target *target, uint32_t id, const struct spa_dict *props)
{
    const char *name = spa_dict_lookup(props, PW_KEY_METADATA_NAME);
    if (target->metadata || !name || strcmp(name, "default") != 0)
        return;
    target->metadata =
        pw_registry_bind(target->registry, id, PW_TYPE_INTERFACE_Metadata, PW_VERSION_METADATA, 0);
    target->metadata_id = id;
    if (target->metadata)
        pw_metadata_add_listener((struct pw_metadata *)target->metadata, &target->metadata_hook,
                                 &metadata_events, target);
}

static void release_metadata(struct target *target)
{
    if (!target->metadata)
        return;
    spa_hook_remove(&target->metadata_hook);
    pw_proxy_destroy(target->metadata);
    target->metadata = NULL;
}

static bool is_meant(const struct target *target, const struct spa_dict *props)
{
    const char *class = spa_dict_lookup(props, PW_KEY_MEDIA_CLASS);
    const char *name = spa_dict_lookup(props, PW_KEY_NODE_NAME);
    const char *serial = spa_dict_lookup(props, PW_KEY_OBJECT_SERIAL);
    if (!class || (strncmp(class, "Audio/Sink", 10) != 0 && strcmp(class, "Audio/Duplex") != 0))
        return false;
    return (name && !strcmp(name, target->name)) || (serial && !strcmp(serial, target->name));
}

static void on_global(void *data, uint32_t id, uint32_t permissions, const char *type,
                      uint32_t version, const struct spa_dict *props)
{
    struct target *target = data;
    (void)permissions;
    (void)version;
    if (!props)
        return;
    if (!strcmp(type, PW_TYPE_INTERFACE_Metadata)) {
        bind_metadata(target, id, props);
    } else if (!strcmp(type, PW_TYPE_INTERFACE_Node) && target->count < SINKS &&
               is_meant(target, props)) {
        target->sinks[target->count++] = id;
        target->on_change(target->user);
    }
}

static void on_global_remove(void *data, uint32_t id)
{
    struct target *target = data;
    if (target->metadata && id == target->metadata_id)
        release_metadata(target);
    for (size_t i = 0; i < target->count; i++) {
        if (target->sinks[i] != id)
            continue;
        target->sinks[i] = target->sinks[--target->count];
        target->on_change(target->user);
        return;
    }
}

static const struct pw_registry_events registry_events = {
    PW_VERSION_REGISTRY_EVENTS,
    .global = on_global,
    .global_remove = on_global_remove,
};

static void on_done(void *data, uint32_t id, int seq)
{
    struct target *target = data;
    if (id != PW_ID_CORE || seq != target->sync || target->listed)
        return;
    target->listed = true;
    target->on_change(target->user);
}

static const struct pw_core_events core_events = {
    PW_VERSION_CORE_EVENTS,
    .done = on_done,
};

int target_new(struct pw_core *core, struct pw_stream *stream, const char *name,
               void (*on_change)(void *user), void *user, struct target **ret_target)
{
    struct target *target = calloc(1, sizeof *target);
    if (!target)
        return -ENOMEM;
    target->core = core;
    target->stream = stream;
    target->on_change = on_change;
    target->user = user;
    target->name = strdup(name);
    if (!target->name) {
        free(target);
        return -ENOMEM;
    }
    target->registry = pw_core_get_registry(core, PW_VERSION_REGISTRY, 0);
    if (!target->registry) {
        int r = -errno;
        free(target->name);
        free(target);
        return r;
    }
    pw_registry_add_listener(target->registry, &target->registry_hook, &registry_events, target);
    pw_core_add_listener(core, &target->core_hook, &core_events, target);
    target->sync = pw_core_sync(core, PW_ID_CORE, 0);
    *ret_target = target;
    return 0;
}

void target_free(struct target *target)
{
    if (!target)
        return;
    spa_hook_remove(&target->core_hook);
    spa_hook_remove(&target->registry_hook);
    release_metadata(target);
    pw_proxy_destroy((struct pw_proxy *)target->registry);
    free(target->name);
    free(target);
}

bool target_is_there(const struct target *target)
{
    return target->count > 0;
}

bool target_is_missed(const struct target *target)
{
    return target->listed && target->count == 0 && !target->moved;
}

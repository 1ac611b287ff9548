// SPDX-License-Identifier: MIT
#include "client/status.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "client/text.h"

/** Where a property's value belongs. */
struct field {
    const char *property;
    const char *key; ///< in JSON
    char type;       ///< of D-Bus; 'a' for an as, 'e' for an a{st}, 'h' for an ad of three
    size_t offset;
    size_t room;
};

#define FIELD(of, property, type, member)                                                          \
    {                                                                                              \
        property, #member, type, offsetof(struct of, member), sizeof(((struct of *)NULL)->member)  \
    }

static const struct field manager_fields[] = {
    FIELD(status, "Version", 's', version),
    FIELD(status, "Device", 's', device),
    FIELD(status, "Driver", 's', driver),
    FIELD(status, "Nets", 'a', nets),
    FIELD(status, "CommercialNets", 'a', commercial_nets),
    FIELD(status, "Composers", 'a', composers),
    {NULL},
};

static const struct field channel_fields[] = {
    FIELD(status_channel, "Name", 's', name),
    FIELD(status_channel, "State", 's', state),
    FIELD(status_channel, "StateReason", 's', state_reason),
    FIELD(status_channel, "Composer", 's', composer),
    FIELD(status_channel, "Net", 's', net),
    FIELD(status_channel, "Sampling", 's', sampling),
    FIELD(status_channel, "Threshold", 'd', threshold),
    FIELD(status_channel, "Volume", 'd', volume),
    FIELD(status_channel, "Profile", 's', profile),
    FIELD(status_channel, "Rtp", 's', rtp),
    FIELD(status_channel, "Output", 's', output),
    FIELD(status_channel, "Target", 's', target),
    FIELD(status_channel, "AnnounceEvery", 'u', announce_every),
    FIELD(status_channel, "ReseedInterval", 'u', reseed_interval),
    FIELD(status_channel, "PieceLength", 's', piece_length),
    FIELD(status_channel, "Midi", 'b', midi),
    FIELD(status_channel, "Title", 's', title),
    FIELD(status_channel, "NotesPerMinute", 'd', notes_per_minute),
    FIELD(status_channel, "HumanDensity", 'h', human_density),
    FIELD(status_channel, "SecondsAhead", 'd', seconds_ahead),
    FIELD(status_channel, "Reseeds", 't', reseeds),
    FIELD(status_channel, "Uptime", 't', uptime),
    FIELD(status_channel, "Seed", 't', seed),
    FIELD(status_channel, "Position", 't', position),
    FIELD(status_channel, "Step", 't', step),
    FIELD(status_channel, "Level", 'd', level),
    FIELD(status_channel, "Listeners", 'u', listeners),
    FIELD(status_channel, "Underruns", 't', underruns),
    FIELD(status_channel, "Decisions", 'e', decisions),
    {NULL},
};

static void read_names(struct status_names *names, DBusMessageIter *iter)
{
    DBusMessageIter item;
    names->count = 0;
    dbus_message_iter_recurse(iter, &item);
    for (; dbus_message_iter_get_arg_type(&item) == DBUS_TYPE_STRING && names->count < STATUS_NAMES;
         dbus_message_iter_next(&item)) {
        const char *name;
        dbus_message_iter_get_basic(&item, &name);
        text_copy(names->name[names->count++], sizeof(names->name[0]), name);
    }
}

static void read_counts(struct status_counts *counts, DBusMessageIter *iter)
{
    DBusMessageIter item, entry;
    counts->count = 0;
    dbus_message_iter_recurse(iter, &item);
    for (; dbus_message_iter_get_arg_type(&item) == DBUS_TYPE_DICT_ENTRY &&
           counts->count < STATUS_COUNTS;
         dbus_message_iter_next(&item)) {
        const char *name;
        dbus_message_iter_recurse(&item, &entry);
        dbus_message_iter_get_basic(&entry, &name);
        dbus_message_iter_next(&entry);
        text_copy(counts->of[counts->count].name, sizeof counts->of[0].name, name);
        dbus_message_iter_get_basic(&entry, &counts->of[counts->count++].value);
    }
}

static void read_band(double *ret_band, DBusMessageIter *iter)
{
    DBusMessageIter item;
    const double *values;
    int count = 0;
    dbus_message_iter_recurse(iter, &item);
    if (dbus_message_iter_get_arg_type(&item) == DBUS_TYPE_DOUBLE)
        dbus_message_iter_get_fixed_array(&item, &values, &count);
    if (count == 3)
        memcpy(ret_band, values, 3 * sizeof *ret_band);
}

/** The type of the value at `iter`, as struct field says it. */
static char type_of(DBusMessageIter *iter)
{
    char *signature = dbus_message_iter_get_signature(iter);
    char type = (char)dbus_message_iter_get_arg_type(iter);
    if (signature && !strcmp(signature, "a{st}"))
        type = 'e';
    else if (signature && !strcmp(signature, "ad"))
        type = 'h';
    else if (type == DBUS_TYPE_ARRAY && (!signature || strcmp(signature, "as") != 0))
        type = '\0';
    dbus_free(signature);
    return type;
}

/** Reads an a{sv}: what no field wants, or of another type, is skipped. */
static void read_fields(const struct field *fields, void *target, DBusMessageIter *iter)
{
    DBusMessageIter dict, entry, value;
    if (dbus_message_iter_get_arg_type(iter) != DBUS_TYPE_ARRAY)
        return;
    dbus_message_iter_recurse(iter, &dict);
    for (; dbus_message_iter_get_arg_type(&dict) == DBUS_TYPE_DICT_ENTRY;
         dbus_message_iter_next(&dict)) {
        const char *property;
        dbus_message_iter_recurse(&dict, &entry);
        dbus_message_iter_get_basic(&entry, &property);
        dbus_message_iter_next(&entry);
        dbus_message_iter_recurse(&entry, &value);
        char type = type_of(&value);
        for (const struct field *f = fields; f->property; f++) {
            void *place = (char *)target + f->offset;
            if (strcmp(f->property, property) != 0 || f->type != type)
                continue;
            if (type == 'a') {
                read_names(place, &value);
            } else if (type == 'e') {
                read_counts(place, &value);
            } else if (type == 'h') {
                read_band(place, &value);
            } else if (type == DBUS_TYPE_STRING) {
                const char *text;
                dbus_message_iter_get_basic(&value, &text);
                text_copy(place, f->room, text);
            } else {
                dbus_message_iter_get_basic(&value, place);
            }
        }
    }
}

void status_read_manager(struct status *status, DBusMessageIter *iter)
{
    read_fields(manager_fields, status, iter);
}

void status_read_channels(struct status *status, DBusMessageIter *iter)
{
    DBusMessageIter objects, entry, interfaces, item;
    status->channel_count = 0;
    if (dbus_message_iter_get_arg_type(iter) != DBUS_TYPE_ARRAY)
        return;
    dbus_message_iter_recurse(iter, &objects);
    for (; dbus_message_iter_get_arg_type(&objects) == DBUS_TYPE_DICT_ENTRY;
         dbus_message_iter_next(&objects)) {
        dbus_message_iter_recurse(&objects, &entry);
        dbus_message_iter_next(&entry);
        if (dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_ARRAY)
            continue;
        dbus_message_iter_recurse(&entry, &interfaces);
        for (; dbus_message_iter_get_arg_type(&interfaces) == DBUS_TYPE_DICT_ENTRY;
             dbus_message_iter_next(&interfaces)) {
            const char *name;
            dbus_message_iter_recurse(&interfaces, &item);
            dbus_message_iter_get_basic(&item, &name);
            dbus_message_iter_next(&item);
            if (strcmp(name, "org.fermata.HoldMusic1.Channel") != 0 ||
                status->channel_count == STATUS_CHANNELS)
                continue;
            struct status_channel *channel = &status->channels[status->channel_count++];
            *channel = (struct status_channel){.name = ""};
            read_fields(channel_fields, channel, &item);
        }
    }
}

const struct status_channel *status_channel(const struct status *status, const char *name)
{
    for (size_t i = 0; i < status->channel_count; i++)
        if (!strcmp(status->channels[i].name, name))
            return &status->channels[i];
    return NULL;
}

bool status_is_commercial(const struct status *status, const char *net)
{
    for (size_t i = 0; i < status->commercial_nets.count; i++)
        if (!strcmp(status->commercial_nets.name[i], net))
            return true;
    return false;
}

static void print_nets(const struct status *status, FILE *file)
{
    const struct status_names *nets = &status->nets;
    for (size_t i = 0; i < nets->count; i++)
        fprintf(file, "%s%s%s", i ? ", " : "", nets->name[i],
                status_is_commercial(status, nets->name[i]) ? "" : " (non-commercial)");
    fputs(nets->count ? "\n" : "none\n", file);
}

static void print_duration(uint64_t seconds, FILE *file)
{
    if (seconds >= 86400)
        fprintf(file, "%" PRIu64 " d ", seconds / 86400);
    if (seconds >= 3600)
        fprintf(file, "%" PRIu64 " h ", seconds / 3600 % 24);
    if (seconds >= 60)
        fprintf(file, "%" PRIu64 " min ", seconds / 60 % 60);
    fprintf(file, "%" PRIu64 " s\n", seconds % 60);
}

uint64_t status_count(const struct status_channel *channel, const char *name)
{
    for (size_t i = 0; i < channel->decisions.count; i++)
        if (!strcmp(channel->decisions.of[i].name, name))
            return channel->decisions.of[i].value;
    return 0;
}

/** "312 drafts: 300 kept, 12 refused (8 thin, 4 stuck), 1 kept all the same" */
static void print_drafts(const struct status_channel *c, FILE *file)
{
    static const char refused[] = "refused_";
    const char *before = " (";
    fprintf(file, "  drafts           %" PRIu64 " judged, %" PRIu64 " kept, %" PRIu64 " refused",
            status_count(c, "judged"), status_count(c, "kept"), status_count(c, "refused"));
    for (size_t i = 0; i < c->decisions.count; i++) {
        const char *name = c->decisions.of[i].name;
        if (strncmp(name, refused, sizeof refused - 1) != 0 || !c->decisions.of[i].value)
            continue;
        fprintf(file, "%s%" PRIu64 " %s", before, c->decisions.of[i].value,
                name + sizeof refused - 1);
        before = ", ";
    }
    fprintf(file, "%s, %" PRIu64 " least bad\n", *before == ',' ? ")" : "",
            status_count(c, "least_bad"));
}

void status_print(const struct status *status, const struct status_channel *c, FILE *file)
{
    fprintf(file, "%s: %s%s%s%s\n", c->name, c->state, *c->state_reason ? " (" : "",
            c->state_reason, *c->state_reason ? ")" : "");
    if (*c->title)
        fprintf(file, "  piece            %s\n", c->title);
    fprintf(file, "  composer         %s   (of ", c->composer);
    for (size_t i = 0; i < status->composers.count; i++)
        fprintf(file, "%s%s", i ? ", " : "", status->composers.name[i]);
    fprintf(file, ")\n  net              %s%s\n", c->net,
            status_is_commercial(status, c->net) ? "" : "   (not for commercial use)");
    fprintf(file, "  threshold        %.2f   (%s", c->threshold, c->sampling);
    double trimmed = (double)status_count(c, "threshold_permille") / 1000;
    if (trimmed > 0 && fabs(trimmed - c->threshold) >= 0.005)
        fprintf(file, "; trimmed to %.2f", trimmed);
    fputs(")\n", file);
    fprintf(file, "  volume           %.0f %%\n", c->volume * 100);
    fprintf(file, "  profile          %s\n", c->profile);
    if (*c->rtp)
        fprintf(file, "  rtp              to %s\n", c->rtp);
    if (!strcmp(c->output, "source"))
        fprintf(file, "  output           a microphone\n");
    else if (*c->target)
        fprintf(file, "  output           to the sink %s\n", c->target);
    if (c->announce_every)
        fprintf(file, "  announcement     every %" PRIu32 " s\n", c->announce_every);
    if (c->reseed_interval)
        fprintf(file, "  reseed interval  %" PRIu32 " s\n", c->reseed_interval);
    else
        fprintf(file, "  reseed interval  only when needed\n");
    if (strcmp(c->piece_length, "0"))
        fprintf(file, "  piece length     %s min\n", c->piece_length);
    else
        fprintf(file, "  piece length     endless\n");
    if (c->midi)
        fprintf(file, "  MIDI             fermata.%s.midi in the PipeWire graph\n", c->name);
    fprintf(file, "  notes            %.0f a minute", c->notes_per_minute);
    if (c->human_density[2] > 0)
        fprintf(file, "   (the composer's own: %.0f to %.0f)", c->human_density[0],
                c->human_density[2]);
    fputc('\n', file);
    fprintf(file, "  composed ahead   %.1f s\n", c->seconds_ahead);
    fprintf(file, "  level            %.1f dBFS\n", c->level);
    fprintf(file, "  listeners        %" PRIu32 "   (underruns %" PRIu64 " ms)\n", c->listeners,
            c->underruns);
    fprintf(file, "  seed             %" PRIu64 ", at %.1f s, step %" PRIu64 "\n", c->seed,
            (double)c->position / 1e6, c->step);
    print_drafts(c, file);
    fprintf(file,
            "  reseeds          %" PRIu64 " (%" PRIu64 " own, %" PRIu64 " human), %" PRIu64
            " pieces, longest gap %.1f s\n",
            c->reseeds, status_count(c, "reseeds_own"), status_count(c, "reseeds_human"),
            status_count(c, "pieces"), (double)status_count(c, "longest_gap_ms") / 1000);
    fprintf(file, "  playing for      ");
    print_duration(c->uptime, file);
    fprintf(file, "fermata %s\n  device           %s\n  driver           %s\n  nets             ",
            status->version, status->device, status->driver);
    print_nets(status, file);
    if (status->channel_count > 1) {
        fprintf(file, "  channels         ");
        for (size_t i = 0; i < status->channel_count; i++)
            fprintf(file, "%s%s", i ? ", " : "", status->channels[i].name);
        fputc('\n', file);
    }
}

static void print_text_json(const char *text, FILE *file)
{
    fputc('"', file);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(file, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(file, "\\u%04x", c);
        else
            fputc(c, file);
    }
    fputc('"', file);
}

static void print_fields_json(const struct field *fields, const void *from, const char *indent,
                              FILE *file)
{
    for (const struct field *f = fields; f->property; f++) {
        const void *place = (const char *)from + f->offset;
        fprintf(file, "%s\n%s\"%s\": ", f == fields ? "" : ",", indent, f->key);
        switch (f->type) {
        case 's':
            print_text_json(place, file);
            break;
        case 'd':
            fprintf(file, "%.10g", *(const double *)place);
            break;
        case 'b':
            fputs(*(const dbus_bool_t *)place ? "true" : "false", file);
            break;
        case 'u':
            fprintf(file, "%" PRIu32, *(const uint32_t *)place);
            break;
        case 't':
            fprintf(file, "%" PRIu64, *(const uint64_t *)place);
            break;
        case 'a': {
            const struct status_names *names = place;
            for (size_t i = 0; i < names->count; i++) {
                fputs(i ? ", " : "[", file);
                print_text_json(names->name[i], file);
            }
            fputs(names->count ? "]" : "[]", file);
            break;
        }
        case 'h': {
            const double *band = place;
            fprintf(file, "[%.10g, %.10g, %.10g]", band[0], band[1], band[2]);
            break;
        }
        case 'e': {
            const struct status_counts *counts = place;
            fputc('{', file);
            for (size_t i = 0; i < counts->count; i++) {
                fputs(i ? ", " : "", file);
                print_text_json(counts->of[i].name, file);
                fprintf(file, ": %" PRIu64, counts->of[i].value);
            }
            fputc('}', file);
            break;
        }
        }
    }
}

static void print_channels_json(const struct status *status, const char *indent, FILE *file)
{
    char deeper[16];
    snprintf(deeper, sizeof deeper, "%s  ", indent);
    fputc('[', file);
    for (size_t i = 0; i < status->channel_count; i++) {
        fprintf(file, "%s\n%s{", i ? "," : "", indent);
        print_fields_json(channel_fields, &status->channels[i], deeper, file);
        fprintf(file, "\n%s}", indent);
    }
    fprintf(file, "\n%.*s]\n", (int)strlen(indent) - 2, indent);
}

void status_print_channels_json(const struct status *status, FILE *file)
{
    print_channels_json(status, "  ", file);
}

void status_print_channels(const struct status *status, FILE *file)
{
    int width = 20;
    for (size_t i = 0; i < status->channel_count; i++) {
        int length = (int)strlen(status->channels[i].name);
        width = length > width ? length : width;
    }
    fprintf(file, "%-*s %-9s %-11s %-19s %s\n", width, "CHANNEL", "STATE", "COMPOSER", "NET",
            "VOLUME");
    for (size_t i = 0; i < status->channel_count; i++) {
        const struct status_channel *c = &status->channels[i];
        fprintf(file, "%-*s %-9s %-11s %-19s %.0f %%\n", width, c->name, c->state, c->composer,
                c->net, c->volume * 100);
    }
}

void status_print_json(const struct status *status, FILE *file)
{
    fputs("{", file);
    print_fields_json(manager_fields, status, "  ", file);
    fputs(",\n  \"channels\": ", file);
    print_channels_json(status, "    ", file);
    fputs("}\n", file);
}

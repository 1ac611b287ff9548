// SPDX-License-Identifier: MIT
#include "fake_net.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compute/device.h"
#include "music/tuple.h"
#include "nets/tune.h"
#include "nets/tuning.h"

#define LANES 64

struct device {
    struct device_info info;
};

struct net {
    char name[64];
    struct net_info info;
    uint64_t heard[LANES]; ///< everything since the reset, in a word
    uint8_t open[LANES];   ///< pitch that a roll net's lane holds
};

struct fake fake;

void fake_reset(void)
{
    fake.mood = NULL;
    fake.on_cpu = false;
    fake.lost = false;
    fake.stalled = fake.slow = false;
    fake.odds = 1;
    fake.unread = NULL;
    fake.runs = fake.widest = 0;
    fake.last[0] = '\0';
}

int device_new(const char *want, struct device **ret_device)
{
    if (fake.lost)
        return -ENODEV;
    struct device *device = calloc(1, sizeof *device);
    if (!device)
        return -ENOMEM;
    device->info = (struct device_info){
        .name = "fake", .driver = "none", .kind = fake.on_cpu ? DEVICE_CPU : DEVICE_OTHER};
    *ret_device = device;
    return 0;
}

void device_free(struct device *device)
{
    free(device);
}

const struct device_info *device_info(const struct device *device)
{
    return &device->info;
}

static const char *const composers[] = {"bach", "satie", NULL};

int net_new(struct device *device, const char *path, uint32_t lanes, struct net **ret_net)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t length = strcspn(name, ".");
    while (fake.slow)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    if (fake.lost)
        return -ENODEV;
    const char *unread = fake.unread;
    if (unread && !strncmp(name, unread, strlen(unread)))
        return -EBADMSG;
    struct net *net = calloc(1, sizeof *net);
    if (!net)
        return -ENOMEM;
    memcpy(net->name, name, length < sizeof net->name ? length : sizeof net->name - 1);
    bool roll = !strncmp(name, "roll", 4);
    net->info = (struct net_info){
        .name = "fake",
        .family = "open",
        .vocabulary = roll ? NET_ROLL : NET_NOTES,
        .steps = roll ? NET_RUN_STEPS : NET_RUN_NOTES,
        .token_bytes = roll ? NET_FRAME_CELLS : NET_NOTE_FIELDS,
        .composers = composers,
        .composer_count = 2,
        .offered = composers,
        .offered_count = 2,
        .lanes = lanes,
    };
    *ret_net = net;
    return 0;
}

void net_free(struct net *net)
{
    free(net);
}

const struct net_info *net_info(const struct net *net)
{
    return &net->info;
}

void net_reset(struct net *net, uint32_t lane)
{
    net->heard[lane] = 0;
    net->open[lane] = 0;
}

bool net_is_kin(const struct net *net, const struct net *other)
{
    return !strcmp(net->name, other->name);
}

int net_adopt(struct net *net, uint32_t lane, const struct net *from, uint32_t from_lane)
{
    if (fake.lost)
        return -ENODEV;
    net->heard[lane] = from->heard[from_lane];
    net->open[lane] = from->open[from_lane];
    return 0;
}

bool device_is_lost(const struct device *device)
{
    (void)device;
    return fake.lost;
}

// A net without layouts: there is nothing to tune.

struct net_layout net_layout(const struct net *net)
{
    (void)net;
    return (struct net_layout){.texel = false};
}

bool tuning_find(const struct device *device, const char *path, uint32_t most,
                 struct tuning_layout *ret_layout)
{
    (void)device, (void)path, (void)most, (void)ret_layout;
    abort();
}

int tune_new(struct device *device, const char *path, uint32_t lanes, struct tune **ret_tune)
{
    (void)device, (void)path, (void)lanes, (void)ret_tune;
    abort();
}

int tune_next(struct tune *tune)
{
    (void)tune;
    abort();
}

void tune_free(struct tune *tune)
{
    assert(!tune);
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void hear(struct net *net, uint32_t lane, const uint8_t *token)
{
    for (uint32_t i = 0; i < net->info.token_bytes; i += 4) {
        uint32_t word;
        memcpy(&word, token + i, sizeof word);
        net->heard[lane] = word ? mix(net->heard[lane] ^ word) + i : net->heard[lane];
    }
    net->heard[lane]++;
}

uint64_t fake_heard(const struct net *net, uint32_t lane)
{
    return net->heard[lane];
}

static void draw_note(uint64_t draw, uint64_t step, enum fake_mood mood, uint8_t *token)
{
    struct tuple note = {tuple_delta_bin(20), (uint8_t)(48 + draw % 36), 20,
                         (uint8_t)(12 + draw / 64 % 6)};
    if (mood == FAKE_HIGH)
        note.pitch += 24;
    else if (mood == FAKE_THIN)
        note.delta = tuple_delta_bin(390);
    else if (mood == FAKE_STUCK)
        note = (struct tuple){tuple_delta_bin(15), (uint8_t)(60 + step % 3), 10, 14};
    else if (mood == FAKE_SILENT)
        note.delta = tuple_delta_bin(400);
    else if (mood == FAKE_NONSENSE)
        note = (struct tuple){0, NET_LOWEST_PITCH, 0, 0};
    memcpy(token, &note, sizeof note);
}

/** An onset every four frames, held for three of them. */
static void draw_frame(struct net *net, uint32_t lane, uint64_t draw, uint64_t step,
                       enum fake_mood mood, double threshold, uint8_t *token)
{
    memset(token, 0, NET_FRAME_CELLS);
    if (mood == FAKE_HEEDFUL) {
        double odds = fake.odds * (1 - threshold) / threshold;
        if ((double)(mix(draw) >> 11) / 0x1p53 < odds / (1 + odds))
            token[48 + draw % 36] = (uint8_t)(50 + draw / 64 % 40);
        return;
    }
    if (mood == FAKE_SILENT || mood == FAKE_NONSENSE || (mood == FAKE_THIN && step % 60)) {
        net->open[lane] = 0;
        return;
    }
    if (mood == FAKE_STUCK) {
        if (step % 3 == 0)
            token[60 + step / 3 % 3] = 60;
        return;
    }
    if (step % 4 == 0) {
        net->open[lane] = (uint8_t)((mood == FAKE_HIGH ? 72 : 48) + draw % 36);
        token[net->open[lane]] = (uint8_t)(50 + draw / 64 % 40);
    } else if (step % 4 < 3 && net->open[lane]) {
        token[net->open[lane]] = NET_CELL_HOLD;
    }
}

static void play(struct net *net, uint32_t lane, const struct net_lane *input, uint8_t *tokens)
{
    uint32_t bytes = net->info.token_bytes;
    for (uint32_t i = 0; i < net->info.steps; i++) {
        uint8_t *token = tokens + (size_t)i * bytes;
        uint64_t step = input->step + i;
        if (i < input->forced_count) {
            memcpy(token, input->forced + (size_t)i * bytes, bytes);
        } else {
            enum fake_mood mood = fake.mood ? fake.mood(net->name, input) : FAKE_WELL;
            uint64_t draw = mix(net->heard[lane] ^ mix(input->seed * 31 + step));
            if (net->info.vocabulary == NET_NOTES)
                draw_note(draw, step, mood, token);
            else
                draw_frame(net, lane, draw, step, mood, (double)input->threshold, token);
        }
        hear(net, lane, token);
    }
}

int net_run(struct net *net, const struct net_lane *lanes, uint8_t *ret_tokens)
{
    size_t room = (size_t)net->info.steps * net->info.token_bytes;
    unsigned active = 0;
    while (fake.stalled)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    if (fake.lost)
        return -ENODEV;
    memset(ret_tokens, 0, net->info.lanes * room);
    for (uint32_t i = 0; i < net->info.lanes; i++) {
        active += lanes[i].active;
        if (lanes[i].active)
            play(net, i, &lanes[i], ret_tokens + i * room);
    }
    fake.runs++;
    if (active > fake.widest)
        fake.widest = active;
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    memcpy(fake.last, net->name, sizeof fake.last);
    pthread_mutex_unlock(&mutex);
    return 0;
}

static FILE *open_file(const char *folder, const char *name, const char *ending)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
    FILE *file = fopen(path, "w");
    if (!file)
        abort();
    return file;
}

/** A weights file that has metadata and nothing else. */
static void write_net(const char *folder, const char *name)
{
    static const char text[] =
        "{\"__metadata__\":{\"family\":\"open\",\"licence\":\"CC BY-SA 4.0\","
        "\"offered\":\"[\\\"bach\\\",\\\"satie\\\"]\"}}";
    FILE *file = open_file(folder, name, ".safetensors");
    const char length[8] = {(char)(sizeof text - 1)};
    fwrite(length, sizeof length, 1, file);
    fwrite(text, sizeof text - 1, 1, file);
    fclose(file);
}

/** Three phrases of ten seconds for bach. */
static void write_phrases(const char *folder)
{
    FILE *file = open_file(folder, "seeds-open", ".txt");
    for (int phrase = 0; phrase < 3; phrase++) {
        fprintf(file, "phrase bach Number %d\n", phrase);
        for (int i = 0; i < 40; i++)
            fprintf(file, "%d 200 %d 70\n", i * 250, FAKE_HUMAN_LOWEST + 3 + (i * 5 + phrase) % 8);
        fputc('\n', file);
    }
    fclose(file);
}

struct repertoire *fake_repertoire(const char *const *names, bool phrases)
{
    char folder[] = "/tmp/fermata-fake-XXXXXX", command[64];
    struct repertoire *repertoire = NULL;
    if (!mkdtemp(folder))
        abort();
    for (; *names; names++)
        write_net(folder, *names);
    if (phrases)
        write_phrases(folder);
    int r = repertoire_new(folder, true, &repertoire);
    snprintf(command, sizeof command, "rm -r %s", folder);
    if (r < 0 || system(command) != 0)
        abort();
    return repertoire;
}

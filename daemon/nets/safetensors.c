// SPDX-License-Identifier: MIT
#include "nets/safetensors.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <spa/utils/json.h>

#include "log.h"

#define MAX_FILE (UINT64_C(4) << 30)
#define MAX_HEADER (UINT64_C(16) << 20)
#define MAX_ENTRIES 4096

struct entry {
    char *key;
    char *value;
};

struct safetensors {
    char *path;
    uint8_t *bytes; ///< the whole file
    uint64_t size;
    char *header; ///< a copy with a terminating zero, because the tokenizer looks one ahead
    uint64_t header_size;
    const uint8_t *data;
    uint64_t data_size;
    struct safetensors_tensor *tensors;
    size_t tensor_count;
    struct entry *metadata;
    size_t metadata_count;
};

static int broken(const struct safetensors *file, const char *name, const char *why)
{
    if (name)
        log_error("%s: broken weights file: \"%s\" %s (fetch it again)", file->path, name, why);
    else
        log_error("%s: broken weights file: %s (fetch it again)", file->path, why);
    return -EBADMSG;
}

static int read_whole(struct safetensors *file)
{
    FILE *stream = fopen(file->path, "rbe");
    if (!stream) {
        int error = errno;
        log_error("cannot open the weights file %s: %s", file->path, strerror(error));
        return -error;
    }
    int r = 0;
    struct stat status;
    if (fstat(fileno(stream), &status) < 0)
        r = -errno;
    else if (!S_ISREG(status.st_mode) || status.st_size < 8 || (uint64_t)status.st_size > MAX_FILE)
        r = broken(file, NULL, "not a file of a sensible size");
    if (r == 0) {
        file->size = (uint64_t)status.st_size;
        file->bytes = malloc(file->size);
        if (!file->bytes)
            r = -ENOMEM;
        else if (fread(file->bytes, 1, file->size, stream) != file->size)
            r = broken(file, NULL, "shorter than it was");
    }
    fclose(stream);
    return r;
}

static int split(struct safetensors *file)
{
    assert(file->bytes);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | file->bytes[i];
    if (length < 2 || length > MAX_HEADER || length > file->size - 8)
        return broken(file, NULL, "the length of its header cannot be");
    file->header = malloc(length + 1);
    if (!file->header)
        return -ENOMEM;
    memcpy(file->header, file->bytes + 8, length);
    file->header[length] = '\0';
    file->header_size = length;
    file->data = file->bytes + 8 + length;
    file->data_size = file->size - 8 - length;
    return 0;
}

/** A token as a string of its own; NULL where it is none or memory is short. */
static char *string_of(const char *token, int length)
{
    if (!spa_json_is_string(token, length))
        return NULL;
    char *string = malloc((size_t)length + 1);
    if (string && spa_json_parse_stringn(token, length, string, length + 1) < 0) {
        free(string);
        string = NULL;
    }
    return string;
}

/** A token as a whole number; false for anything else. */
static bool number_of(const char *token, int length, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (length < 1 || length > 18)
        return false;
    for (int i = 0; i < length; i++) {
        if (token[i] < '0' || token[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(token[i] - '0');
    }
    *ret_number = number;
    return true;
}

/** Reads an array of at most `room` whole numbers; -1 for anything else. */
static int numbers_of(struct spa_json *parent, uint64_t *ret_numbers, int room)
{
    struct spa_json array;
    const char *token;
    int length, count = 0;
    spa_json_enter(parent, &array);
    while ((length = spa_json_next(&array, &token)) > 0)
        if (count == room || !number_of(token, length, &ret_numbers[count++]))
            return -1;
    return length < 0 ? -1 : count;
}

static enum safetensors_type type_of(const char *token, int length, size_t *ret_bytes)
{
    static const struct {
        const char *token;
        enum safetensors_type type;
        size_t bytes;
    } types[] = {
        {"\"F32\"", SAFETENSORS_F32, 4},   {"\"BF16\"", SAFETENSORS_BF16, 2},
        {"\"I32\"", SAFETENSORS_I32, 4},   {"\"F16\"", SAFETENSORS_OTHER, 2},
        {"\"F64\"", SAFETENSORS_OTHER, 8}, {"\"I64\"", SAFETENSORS_OTHER, 8},
        {"\"U8\"", SAFETENSORS_U8, 1},     {"\"I8\"", SAFETENSORS_I8, 1},
        {"\"I16\"", SAFETENSORS_OTHER, 2}, {"\"BOOL\"", SAFETENSORS_OTHER, 1},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if ((size_t)length == strlen(types[i].token) &&
            strncmp(token, types[i].token, (size_t)length) == 0) {
            *ret_bytes = types[i].bytes;
            return types[i].type;
        }
    }
    *ret_bytes = 0;
    return SAFETENSORS_OTHER;
}

static int read_tensor(struct safetensors *file, struct spa_json *parent,
                       struct safetensors_tensor *tensor)
{
    struct spa_json object;
    const char *key, *value;
    uint64_t offsets[2] = {0, 0};
    size_t element = 0;
    int length, dimensions = -1, offset_count = -1;

    spa_json_enter(parent, &object);
    while ((length = spa_json_next(&object, &key)) > 0) {
        int value_length = spa_json_next(&object, &value);
        if (value_length <= 0)
            return broken(file, tensor->name, "is not described to the end");
        if (length == 7 && strncmp(key, "\"dtype\"", 7) == 0)
            tensor->type = type_of(value, value_length, &element);
        else if (length == 7 && strncmp(key, "\"shape\"", 7) == 0 &&
                 spa_json_is_array(value, value_length))
            dimensions = numbers_of(&object, tensor->shape, SAFETENSORS_MAX_DIMENSIONS);
        else if (length == 14 && strncmp(key, "\"data_offsets\"", 14) == 0 &&
                 spa_json_is_array(value, value_length))
            offset_count = numbers_of(&object, offsets, 2);
    }
    if (length < 0)
        return broken(file, tensor->name, "is not described to the end");
    if (element == 0)
        return broken(file, tensor->name, "is of an unknown type");
    if (dimensions < 0)
        return broken(file, tensor->name, "has no sensible shape");
    if (offset_count != 2 || offsets[0] > offsets[1] || offsets[1] > file->data_size)
        return broken(file, tensor->name, "does not lie within the file");

    tensor->dimensions = (uint32_t)dimensions;
    tensor->elements = 1;
    for (int i = 0; i < dimensions; i++)
        if (__builtin_mul_overflow(tensor->elements, tensor->shape[i], &tensor->elements))
            return broken(file, tensor->name, "has no sensible shape");
    uint64_t bytes;
    if (__builtin_mul_overflow(tensor->elements, (uint64_t)element, &bytes) ||
        bytes != offsets[1] - offsets[0])
        return broken(file, tensor->name, "has a size that does not fit its shape");
    tensor->data = file->data + offsets[0];
    tensor->size = bytes;
    return 0;
}

static int read_metadata(struct safetensors *file, struct spa_json *parent)
{
    struct spa_json object;
    const char *key, *value;
    int length;
    if (file->metadata)
        return broken(file, NULL, "metadata twice");
    file->metadata = calloc(MAX_ENTRIES, sizeof *file->metadata);
    if (!file->metadata)
        return -ENOMEM;
    spa_json_enter(parent, &object);
    while ((length = spa_json_next(&object, &key)) > 0) {
        int value_length = spa_json_next(&object, &value);
        if (file->metadata_count == MAX_ENTRIES || !spa_json_is_string(key, length) ||
            !spa_json_is_string(value, value_length))
            return broken(file, NULL, "its metadata are not strings");
        struct entry *entry = &file->metadata[file->metadata_count++];
        entry->key = string_of(key, length);
        entry->value = string_of(value, value_length);
        if (!entry->key || !entry->value)
            return -ENOMEM;
    }
    return length < 0 ? broken(file, NULL, "its metadata do not end") : 0;
}

static int read_header(struct safetensors *file)
{
    struct spa_json root, object;
    const char *key, *value;
    int length, r;
    spa_json_init(&root, file->header, file->header_size);
    if (file->header[0] != '{' || spa_json_enter_object(&root, &object) < 0)
        return broken(file, NULL, "its header is not a JSON object");
    file->tensors = calloc(MAX_ENTRIES, sizeof *file->tensors);
    if (!file->tensors)
        return -ENOMEM;

    while ((length = spa_json_next(&object, &key)) > 0) {
        int value_length = spa_json_next(&object, &value);
        if (!spa_json_is_string(key, length) || !spa_json_is_object(value, value_length))
            return broken(file, NULL, "its header does not describe arrays");
        if (length == 14 && strncmp(key, "\"__metadata__\"", 14) == 0) {
            r = read_metadata(file, &object);
        } else {
            if (file->tensor_count == MAX_ENTRIES)
                return broken(file, NULL, "more arrays than a net can have");
            struct safetensors_tensor *tensor = &file->tensors[file->tensor_count];
            char *name = string_of(key, length);
            if (!name)
                return -ENOMEM;
            if (safetensors_find(file, name)) {
                r = broken(file, name, "is there twice");
                free(name);
                return r;
            }
            tensor->name = name;
            file->tensor_count++;
            r = read_tensor(file, &object, tensor);
        }
        if (r < 0)
            return r;
    }
    // The tokenizer is content with a header that just stops; its last brace must be there.
    if (length < 0 || object.cur >= object.end || *object.cur != '}')
        return broken(file, NULL, "its header does not end");
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct safetensors_tensor *one = a, *other = b;
    if (one->data != other->data)
        return one->data < other->data ? -1 : 1;
    return (one->size > other->size) - (one->size < other->size);
}

static int check_overlaps(struct safetensors *file)
{
    qsort(file->tensors, file->tensor_count, sizeof *file->tensors, by_place);
    for (size_t i = 1; i < file->tensor_count; i++) {
        const struct safetensors_tensor *before = &file->tensors[i - 1];
        if ((const uint8_t *)before->data + before->size > (const uint8_t *)file->tensors[i].data)
            return broken(file, file->tensors[i].name, "overlaps another array");
    }
    return 0;
}

/** Finds the scales, once arrays lie where they stay. */
static int find_scales(struct safetensors *file)
{
    for (size_t i = 0; i < file->tensor_count; i++) {
        struct safetensors_tensor *tensor = &file->tensors[i];
        char *name = NULL;
        if (tensor->type != SAFETENSORS_I8)
            continue;
        if (asprintf(&name, "%s.scale", tensor->name) < 0)
            return -ENOMEM;
        tensor->scale = safetensors_find(file, name);
        free(name);
    }
    return 0;
}

int safetensors_new(const char *path, struct safetensors **ret_file)
{
    struct safetensors *file = calloc(1, sizeof *file);
    if (!file)
        return -ENOMEM;
    file->path = strdup(path);
    int r = file->path ? read_whole(file) : -ENOMEM;
    if (r == 0)
        r = split(file);
    if (r == 0)
        r = read_header(file);
    if (r == 0)
        r = check_overlaps(file);
    if (r == 0)
        r = find_scales(file);
    if (r < 0) {
        safetensors_free(file);
        return r;
    }
    *ret_file = file;
    return 0;
}

void safetensors_free(struct safetensors *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->tensor_count; i++)
        free((char *)file->tensors[i].name);
    for (size_t i = 0; i < file->metadata_count; i++) {
        free(file->metadata[i].key);
        free(file->metadata[i].value);
    }
    free(file->tensors);
    free(file->metadata);
    free(file->header);
    free(file->bytes);
    free(file->path);
    free(file);
}

const char *safetensors_path(const struct safetensors *file)
{
    return file->path;
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->tensor_count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key)
{
    for (size_t i = 0; i < file->metadata_count; i++)
        if (strcmp(file->metadata[i].key, key) == 0)
            return file->metadata[i].value;
    return NULL;
}

int safetensors_matrix(const struct safetensors *file, const char *name, uint64_t rows,
                       uint64_t columns, const struct safetensors_tensor **ret_tensor)
{
    const struct safetensors_tensor *tensor = safetensors_find(file, name);
    if (!tensor)
        return broken(file, name, "is missing");
    const struct safetensors_tensor *values = tensor;
    if (tensor->type == SAFETENSORS_I8) {
        values = tensor->scale;
        if (!columns || !values || values->type != SAFETENSORS_F32 || values->dimensions != 1 ||
            values->shape[0] != rows)
            return broken(file, name, "is I8, but has no F32 scale for each of its rows");
    } else if (tensor->type != SAFETENSORS_F32 && tensor->type != SAFETENSORS_BF16) {
        return broken(file, name, "is neither F32 nor BF16 nor I8");
    }
    if (tensor->dimensions != (columns ? 2u : 1u) || tensor->shape[0] != rows ||
        (columns && tensor->shape[1] != columns))
        return broken(file, name, "has another shape than this net needs");
    // One such weight silences or floods everything that the net will ever play.
    for (uint64_t i = 0; i < values->elements; i++)
        if (!isfinite(safetensors_float(values, i)))
            return broken(file, name, "holds a value that is no number");
    *ret_tensor = tensor;
    return 0;
}

float safetensors_float(const struct safetensors_tensor *tensor, uint64_t index)
{
    assert(index < tensor->elements);
    const uint8_t *data = tensor->data;
    uint32_t bits;
    if (tensor->type == SAFETENSORS_I8)
        return (float)(int8_t)data[index] *
               safetensors_float(tensor->scale, index / tensor->shape[1]);
    if (tensor->type == SAFETENSORS_BF16)
        bits = (uint32_t)data[2 * index] << 16 | (uint32_t)data[2 * index + 1] << 24;
    else
        bits = (uint32_t)data[4 * index] | (uint32_t)data[4 * index + 1] << 8 |
               (uint32_t)data[4 * index + 2] << 16 | (uint32_t)data[4 * index + 3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int8_t safetensors_integer(const struct safetensors_tensor *tensor, uint64_t index)
{
    assert(index < tensor->elements && tensor->type == SAFETENSORS_I8);
    return ((const int8_t *)tensor->data)[index];
}

/* The decisions of the bench in C: compiled when the bench runs, never part of the package.
 *
 * Owns two ways of deciding. "scan" is the small extension that one writes in an afternoon: every agent's row of the
 * skill matrix is tested, every waiting interaction looked at. "index" is as fast as C and this author can make it: the
 * agents of each requirement are listed beforehand, waiting interactions stand in one ring for each requirement and
 * priority, and an agent knows the requirements that they meet. Like the other rivals it validates nothing, records
 * nothing and tells nobody. `Router.run` answers a whole script without going back to Python.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LONGEST_IDLE, BEST_FIT, WEIGHTED };
enum { ENQUEUE, ACCEPT, END, END_WRAP_UP };
#define MOST_TERMS 3
#define NOBODY (-1)
#define HEAD_START_US 60000000LL

typedef struct {
    int skill[MOST_TERMS];
    int least[MOST_TERMS];
    int count;
} Requirement;

typedef struct {
    int64_t key, seq;
    int64_t interaction;
    int requirement;
} Waiting;

typedef struct {
    int64_t priority;
    Waiting *items;
    size_t head, size, room; /* a ring; room is a power of two */
} Ring;

typedef struct {
    Ring *rings;
    int count;
} Line;

typedef struct {
    int *items;
    int count;
} List;

typedef struct {
    PyObject_HEAD
    int agents, skills, requirements, strategy, indexed;
    int64_t weight, seq;
    int8_t *matrix;
    Requirement *asked;
    int8_t *is_free;
    int64_t *since, *idle_seq;
    List *eligible, *classes; /* by requirement: agents; by agent: requirements */
    int64_t *fits;            /* beside eligible, one block */
    size_t *fits_at;
    Waiting *waiting;         /* scan: in no order */
    size_t waiting_count, waiting_room;
    Line *lines;              /* index */
    int64_t *busy;            /* by interaction */
    size_t busy_room;
} Router;

static void *grown(void *block, size_t bytes) {
    void *more = realloc(block, bytes ? bytes : 1);
    if (!more) Py_FatalError("bench: out of memory");
    return more;
}

static int meets(const Router *self, const Requirement *asked, int agent) {
    const int8_t *row = self->matrix + (size_t)agent * self->skills;
    for (int at = 0; at < asked->count; at++)
        if (row[asked->skill[at]] < asked->least[at]) return 0;
    return 1;
}

static int64_t fit_of(const Router *self, const Requirement *asked, int agent) {
    const int8_t *row = self->matrix + (size_t)agent * self->skills;
    int64_t sum = 0;
    for (int at = 0; at < asked->count; at++) sum += row[asked->skill[at]];
    return 10 * sum / asked->count;
}

/* ---- agents for an interaction */

typedef struct {
    int agent;
    int64_t major, minor, seq;
} Best;

static inline void consider(const Router *self, Best *best, int agent, int64_t fit) {
    int64_t major = 0, minor = self->since[agent];
    if (self->strategy == BEST_FIT) major = -fit;
    else if (self->strategy == WEIGHTED) minor -= fit * self->weight;
    if (best->agent != NOBODY) {
        if (major > best->major) return;
        if (major == best->major) {
            if (minor > best->minor) return;
            if (minor == best->minor && self->idle_seq[agent] > best->seq) return;
        }
    }
    *best = (Best){agent, major, minor, self->idle_seq[agent]};
}

static int best_agent(const Router *self, int number) {
    const Requirement *asked = self->asked + number;
    Best best = {NOBODY, 0, 0, 0};
    if (self->indexed) {
        const List *list = self->eligible + number;
        const int64_t *fits = self->fits + self->fits_at[number];
        for (int at = 0; at < list->count; at++)
            if (self->is_free[list->items[at]]) consider(self, &best, list->items[at], fits[at]);
    } else {
        for (int agent = 0; agent < self->agents; agent++)
            if (self->is_free[agent] && meets(self, asked, agent))
                consider(self, &best, agent, self->strategy == LONGEST_IDLE ? 0 : fit_of(self, asked, agent));
    }
    return best.agent;
}

/* ---- interactions for an agent */

static void ring_push(Ring *ring, Waiting entry) {
    if (ring->size == ring->room) {
        size_t room = ring->room ? 2 * ring->room : 16;
        Waiting *items = grown(NULL, room * sizeof(Waiting));
        for (size_t at = 0; at < ring->size; at++) items[at] = ring->items[(ring->head + at) & (ring->room - 1)];
        free(ring->items);
        ring->items = items;
        ring->room = room;
        ring->head = 0;
    }
    ring->items[(ring->head + ring->size++) & (ring->room - 1)] = entry;
}

static void wait_in_line(Router *self, Waiting entry, int64_t priority) {
    if (!self->indexed) {
        if (self->waiting_count == self->waiting_room) {
            self->waiting_room = self->waiting_room ? 2 * self->waiting_room : 1024;
            self->waiting = grown(self->waiting, self->waiting_room * sizeof(Waiting));
        }
        self->waiting[self->waiting_count++] = entry;
        return;
    }
    Line *line = self->lines + entry.requirement;
    for (int at = 0; at < line->count; at++)
        if (line->rings[at].priority == priority) {
            ring_push(line->rings + at, entry);
            return;
        }
    line->rings = grown(line->rings, (size_t)(line->count + 1) * sizeof(Ring));
    line->rings[line->count] = (Ring){priority, NULL, 0, 0, 0};
    ring_push(line->rings + line->count++, entry);
}

static int before(const Waiting *one, const Waiting *other) {
    return one->key < other->key || (one->key == other->key && one->seq < other->seq);
}

static int64_t first_for(Router *self, int agent) {
    if (self->indexed) {
        Ring *found = NULL;
        const Waiting *first = NULL;
        const List *classes = self->classes + agent;
        for (int at = 0; at < classes->count; at++) {
            Line *line = self->lines + classes->items[at];
            for (int each = 0; each < line->count; each++) {
                Ring *ring = line->rings + each;
                if (ring->size && (!first || before(ring->items + ring->head, first))) {
                    found = ring;
                    first = ring->items + ring->head;
                }
            }
        }
        if (!found) return NOBODY;
        int64_t interaction = first->interaction;
        found->head = (found->head + 1) & (found->room - 1);
        found->size--;
        return interaction;
    }
    size_t best = self->waiting_count;
    for (size_t at = 0; at < self->waiting_count; at++)
        if ((best == self->waiting_count || before(self->waiting + at, self->waiting + best)) &&
            meets(self, self->asked + self->waiting[at].requirement, agent))
            best = at;
    if (best == self->waiting_count) return NOBODY;
    int64_t interaction = self->waiting[best].interaction;
    self->waiting[best] = self->waiting[--self->waiting_count];
    return interaction;
}

/* ---- the four commands */

static int64_t do_enqueue(Router *self, int64_t interaction, int requirement, int64_t priority, int64_t now_us) {
    self->seq++;
    int agent = best_agent(self, requirement);
    if (agent == NOBODY)
        wait_in_line(self, (Waiting){now_us - priority * HEAD_START_US, self->seq, interaction, requirement}, priority);
    else
        self->is_free[agent] = 0;
    return agent;
}

static int64_t do_accept(Router *self, int64_t interaction, int agent) {
    if ((size_t)interaction >= self->busy_room) {
        size_t room = 2 * (size_t)interaction + 1024;
        self->busy = grown(self->busy, room * sizeof(int64_t));
        self->busy_room = room;
    }
    self->busy[interaction] = agent;
    return NOBODY;
}

static int64_t do_end_wrap_up(Router *self, int agent, int64_t now_us) {
    self->seq++;
    int64_t interaction = first_for(self, agent);
    self->since[agent] = now_us;
    self->idle_seq[agent] = self->seq;
    if (interaction == NOBODY) self->is_free[agent] = 1;
    return interaction;
}

static int numbers(PyObject *const *given, Py_ssize_t count, Py_ssize_t wanted, int64_t *values) {
    if (count != wanted) {
        PyErr_Format(PyExc_TypeError, "%zd arguments are wanted, not %zd", wanted, count);
        return -1;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        values[at] = PyLong_AsLongLong(given[at]);
        if (values[at] == -1 && PyErr_Occurred()) return -1;
    }
    return 0;
}

static PyObject *Router_enqueue(PyObject *self, PyObject *const *given, Py_ssize_t count) {
    int64_t v[4];
    if (numbers(given, count, 4, v)) return NULL;
    return PyLong_FromLongLong(do_enqueue((Router *)self, v[0], (int)v[1], v[2], v[3]));
}

static PyObject *Router_accept(PyObject *self, PyObject *const *given, Py_ssize_t count) {
    int64_t v[2];
    if (numbers(given, count, 2, v)) return NULL;
    return PyLong_FromLongLong(do_accept((Router *)self, v[0], (int)v[1]));
}

static PyObject *Router_end(PyObject *self, PyObject *const *given, Py_ssize_t count) {
    int64_t v[1];
    if (numbers(given, count, 1, v)) return NULL;
    ((Router *)self)->busy[v[0]] = NOBODY;
    return PyLong_FromLongLong(NOBODY);
}

static PyObject *Router_end_wrap_up(PyObject *self, PyObject *const *given, Py_ssize_t count) {
    int64_t v[2];
    if (numbers(given, count, 2, v)) return NULL;
    return PyLong_FromLongLong(do_end_wrap_up((Router *)self, (int)v[0], v[1]));
}

/* run(steps) -> (ns, decisions): steps are rows of six int64: kind, at, interaction, requirement, priority, agent. */
static PyObject *Router_run(PyObject *object, PyObject *argument) {
    Router *self = (Router *)object;
    Py_buffer steps;
    if (PyObject_GetBuffer(argument, &steps, PyBUF_SIMPLE)) return NULL;
    size_t count = (size_t)steps.len / (6 * sizeof(int64_t));
    const int64_t *row = steps.buf;
    PyObject *answers = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(count * sizeof(int64_t)));
    if (!answers) {
        PyBuffer_Release(&steps);
        return NULL;
    }
    int64_t *answer = (int64_t *)PyBytes_AS_STRING(answers);
    struct timespec begun, ended;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
    for (size_t at = 0; at < count; at++, row += 6) switch (row[0]) {
            case ENQUEUE: answer[at] = do_enqueue(self, row[2], (int)row[3], row[4], row[1]); break;
            case ACCEPT: answer[at] = do_accept(self, row[2], (int)row[5]); break;
            case END:
                self->busy[row[2]] = NOBODY;
                answer[at] = NOBODY;
                break;
            default: answer[at] = do_end_wrap_up(self, (int)row[5], row[1]);
        }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
    PyBuffer_Release(&steps);
    long long ns = (ended.tv_sec - begun.tv_sec) * 1000000000LL + (ended.tv_nsec - begun.tv_nsec);
    return Py_BuildValue("(LN)", ns, answers);
}

/* ---- set-up: restore(idle, waiting, busy, seq) and the constructor take lists of tuples of numbers */

static PyObject *Router_restore(PyObject *object, PyObject *arguments) {
    Router *self = (Router *)object;
    PyObject *idle, *waiting, *busy;
    long long seq;
    if (!PyArg_ParseTuple(arguments, "O!O!O!L", &PyList_Type, &idle, &PyList_Type, &waiting, &PyList_Type, &busy, &seq))
        return NULL;
    self->seq = seq;
    memset(self->is_free, 0, (size_t)self->agents);
    self->waiting_count = 0;
    for (int at = 0; at < self->requirements; at++)
        for (int each = 0; each < self->lines[at].count; each++) self->lines[at].rings[each].size = 0;
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(idle); at++) {
        int agent;
        long long since, place;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(idle, at), "iLL", &agent, &since, &place)) return NULL;
        self->is_free[agent] = 1;
        self->since[agent] = since;
        self->idle_seq[agent] = place;
    }
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(waiting); at++) {
        long long interaction, key, place, priority;
        int requirement;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(waiting, at), "LiLLL", &interaction, &requirement, &key, &place, &priority))
            return NULL;
        wait_in_line(self, (Waiting){key, place, interaction, requirement}, priority);
    }
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(busy); at++) {
        long long interaction;
        int agent;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(busy, at), "Li", &interaction, &agent)) return NULL;
        do_accept(self, interaction, agent);
    }
    Py_RETURN_NONE;
}

static void build_index(Router *self) {
    size_t fits = 0, room = 1024;
    self->fits = grown(NULL, room * sizeof(int64_t));
    for (int number = 0; number < self->requirements; number++) {
        List *list = self->eligible + number;
        self->fits_at[number] = fits;
        for (int agent = 0; agent < self->agents; agent++) {
            if (!meets(self, self->asked + number, agent)) continue;
            list->items = grown(list->items, (size_t)(list->count + 1) * sizeof(int));
            list->items[list->count++] = agent;
            List *classes = self->classes + agent;
            classes->items = grown(classes->items, (size_t)(classes->count + 1) * sizeof(int));
            classes->items[classes->count++] = number;
            if (fits == room) self->fits = grown(self->fits, (room *= 2) * sizeof(int64_t));
            self->fits[fits++] = fit_of(self, self->asked + number, agent);
        }
    }
}

/* Router(matrix bytes, agents, skills, requirements [((skill, least), ...)], strategy, weight, indexed) */
static int Router_init(PyObject *object, PyObject *arguments, PyObject *named) {
    Router *self = (Router *)object;
    Py_buffer matrix;
    PyObject *asked;
    (void)named;
    if (!PyArg_ParseTuple(arguments, "y*iiO!iLp", &matrix, &self->agents, &self->skills, &PyList_Type, &asked,
                          &self->strategy, &self->weight, &self->indexed))
        return -1;
    self->matrix = grown(NULL, (size_t)matrix.len);
    memcpy(self->matrix, matrix.buf, (size_t)matrix.len);
    PyBuffer_Release(&matrix);
    self->requirements = (int)PyList_GET_SIZE(asked);
    self->asked = calloc((size_t)self->requirements + 1, sizeof(Requirement));
    self->is_free = calloc((size_t)self->agents + 1, 1);
    self->since = calloc((size_t)self->agents + 1, sizeof(int64_t));
    self->idle_seq = calloc((size_t)self->agents + 1, sizeof(int64_t));
    self->eligible = calloc((size_t)self->requirements + 1, sizeof(List));
    self->classes = calloc((size_t)self->agents + 1, sizeof(List));
    self->fits_at = calloc((size_t)self->requirements + 1, sizeof(size_t));
    self->lines = calloc((size_t)self->requirements + 1, sizeof(Line));
    for (int number = 0; number < self->requirements; number++) {
        PyObject *terms = PyList_GET_ITEM(asked, number);
        Requirement *requirement = self->asked + number;
        requirement->count = (int)PyTuple_GET_SIZE(terms);
        if (requirement->count > MOST_TERMS) {
            PyErr_Format(PyExc_ValueError, "a requirement has %d terms; %d are the most", requirement->count, MOST_TERMS);
            return -1;
        }
        for (int at = 0; at < requirement->count; at++)
            if (!PyArg_ParseTuple(PyTuple_GET_ITEM(terms, at), "ii", requirement->skill + at, requirement->least + at))
                return -1;
    }
    if (self->indexed) build_index(self);
    return 0;
}

static void Router_dealloc(PyObject *object) {
    Router *self = (Router *)object;
    for (int at = 0; self->lines && at < self->requirements; at++) {
        for (int each = 0; each < self->lines[at].count; each++) free(self->lines[at].rings[each].items);
        free(self->lines[at].rings);
        free(self->eligible[at].items);
    }
    for (int at = 0; self->classes && at < self->agents; at++) free(self->classes[at].items);
    void *blocks[] = {self->matrix, self->asked, self->is_free, self->since, self->idle_seq, self->eligible,
                      self->classes, self->fits, self->fits_at, self->waiting, self->lines, self->busy};
    for (size_t at = 0; at < sizeof(blocks) / sizeof(*blocks); at++) free(blocks[at]);
    Py_TYPE(object)->tp_free(object);
}

static PyMethodDef methods[] = {
    {"enqueue", (PyCFunction)(void (*)(void))Router_enqueue, METH_FASTCALL, NULL},
    {"accept", (PyCFunction)(void (*)(void))Router_accept, METH_FASTCALL, NULL},
    {"end", (PyCFunction)(void (*)(void))Router_end, METH_FASTCALL, NULL},
    {"end_wrap_up", (PyCFunction)(void (*)(void))Router_end_wrap_up, METH_FASTCALL, NULL},
    {"run", Router_run, METH_O, NULL},
    {"restore", Router_restore, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject RouterType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bench_native.Router",
    .tp_basicsize = sizeof(Router),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = Router_init,
    .tp_dealloc = Router_dealloc,
    .tp_methods = methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "bench_native", NULL, -1, NULL, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_bench_native(void) {
    if (PyType_Ready(&RouterType) < 0) return NULL;
    PyObject *made = PyModule_Create(&module);
    if (!made) return NULL;
    Py_INCREF(&RouterType);
    if (PyModule_AddObject(made, "Router", (PyObject *)&RouterType) < 0) return NULL;
    return made;
}

"""What the program reads in a statement (src/sql/effect), held against PostgreSQL's own grammar.

libpg_query is that grammar as a library. For every text of the tables of cases, alone and put into
other statements, and of the scripts of the differential test, the effects that its parse tree shows must be among those that were read: there
may be more that keep a server, never fewer, and what ends something (COMMIT, DEALLOCATE, CLOSE,
UNLISTEN, DISCARD, RESET) must be the same.
"""

import ctypes
import itertools
import json
import os
import pathlib
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("PGWEIR_BIN", "pgweir")).resolve().parent

KNOWN = dict(reversed(m) for m in re.findall(r"X\((\w+), (\w+)\)", (TOP / "src/sql/calls.def").read_text()))
SPECIAL = {"LOCK": "lock", "FREE": "unlock", "READ": "currval", "NEXT": "nextval", "TELL": "notify",
           "HEAR": "listening", "SEED": "seed", "BIND": "bind"}
SETS = {"setting", "local", "setting?", "seed"}
LOOKED_FOR = {"sets", "lock", "temp", "calls"}  # found by a look, which follows what could not be read
EXACT = {"begin", "modes", "commit", "rollback", "chain", "savepoint", "release", "rollback-to",
         "prepare-transaction", "deallocate", "deallocate-all", "close", "close-all", "unlisten",
         "unlisten-all", "discard-all", "discard-plans", "discard-sequences", "discard-temp", "reset-all"}
NAME_LISTS = {"search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries"}
ENDS_WITH_TRANSACTION = {"transaction_isolation", "transaction_read_only", "transaction_deferrable"}

WRAPS = ["{}", "explain analyze {}", "explain (verbose) {}", "prepare pp (int) as {}",
         "declare cc cursor with hold for {}", "copy ({}) to stdout", "create temp table tt as {}",
         "create table tt as {}", "with w as ({}) select * from w", "select * from ({}) z", "insert into t {}",
         "(({}))", "select 1; {}; select 2", "/* c; */ {} -- c", "{} union all select 1",
         "select exists ({})", "create view v as {}", "create rule r as on insert to t do also {}"]


class Grammar:
    class Error(ctypes.Structure):
        _fields_ = [("message", ctypes.c_char_p), ("funcname", ctypes.c_char_p), ("filename", ctypes.c_char_p),
                    ("lineno", ctypes.c_int), ("cursorpos", ctypes.c_int), ("context", ctypes.c_char_p)]

    class Result(ctypes.Structure):
        _fields_ = [("parse_tree", ctypes.c_char_p), ("stderr_buffer", ctypes.c_char_p), ("error", ctypes.c_void_p)]

    def __init__(self, path):
        self.parser = ctypes.CDLL(path)
        self.parser.pg_query_parse.restype = self.Result
        self.parser.pg_query_parse.argtypes = [ctypes.c_char_p]
        self.parser.pg_query_free_parse_result.argtypes = [self.Result]

    def statements(self, text):
        """The parse trees of a text's statements; None: the server would refuse it."""
        result = self.parser.pg_query_parse(text.encode())
        try:
            if result.error:
                return None
            return [s["stmt"] for s in json.loads(result.parse_tree)["stmts"] if "stmt" in s]
        finally:
            self.parser.pg_query_free_parse_result(result)


def find_grammar():
    places = sorted(pathlib.Path("/usr/lib").glob("*/libpg_query.so*")) + \
        sorted(pathlib.Path("/usr/local/lib").glob("libpg_query.so*"))
    return str(places[0]) if places else None


# -- what a parse tree shows --

def is_temp(relation):
    schema = relation.get("schemaname", "")
    return relation.get("relpersistence") == "t" or schema == "pg_temp" or schema.startswith("pg_temp_")


def created(relation, on_commit=None):
    if not is_temp(relation):
        return {"create"}
    return {"ddl"} if on_commit == "ONCOMMIT_DROP" else {"temp"}


def called(call):
    names = [n["String"].get("sval", "") for n in call["funcname"]]
    if call.get("funcformat") == "COERCE_SQL_SYNTAX":
        return set()
    if len(names) > 2 or (len(names) == 2 and names[0] != "pg_catalog"):
        return {"calls"}
    kind = KNOWN.get(names[-1])
    if kind == "CONF":
        return {"sets"}
    return {SPECIAL[kind]} if kind in SPECIAL else set() if kind in ("PURE", "BOTH") else {"calls"}


def of_update(tree):
    found = {"nextval"} if "SetToDefault" in json.dumps(tree) else set()
    return found | ({"setting?"} if tree["relation"]["relname"] == "pg_settings" else set())


def shown(node):
    """The effects of an expression or query, whatever it is part of."""
    found = set()
    if isinstance(node, list):
        return found.union(*map(shown, node))
    if not isinstance(node, dict):
        return found
    for key, value in node.items():
        if key == "FuncCall":
            found |= called(value)
        elif key in ("intoClause", "into"):
            found |= created(value["rel"], value.get("onCommit"))
        elif key in ("InsertStmt", "MergeStmt"):
            found |= {"nextval"}
        elif key == "ExecuteStmt":
            found |= {"execute"}
        elif key == "UpdateStmt":
            found |= of_update(value)
        found |= shown(value)
    return found


TRANSACTIONS = {"BEGIN": "begin", "START": "begin", "COMMIT": "commit", "ROLLBACK": "rollback",
                "SAVEPOINT": "savepoint", "RELEASE": "release", "ROLLBACK_TO": "rollback-to",
                "PREPARE": "prepare-transaction"}
CREATED = {"CreateStmt": "relation", "ViewStmt": "view", "CreateSeqStmt": "sequence", "CompositeTypeStmt": "typevar"}
PLAIN = {"LoadStmt": "load", "DropStmt": "drop", "DropOwnedStmt": "drop", "DoStmt": "code", "CallStmt": "code",
         "CreateExtensionStmt": "code", "AlterExtensionStmt": "code", "ListenStmt": "listen", "NotifyStmt": "notify"}


SEEN_BY_EVENT_TRIGGERS = {"CommentStmt", "SecLabelStmt", "GrantStmt", "GrantRoleStmt", "RefreshMatViewStmt", "ReindexStmt",
                          "ReassignOwnedStmt"}


def of_transaction(tree):
    kind = tree["kind"].removeprefix("TRANS_STMT_")
    found = {TRANSACTIONS[kind]} if kind in TRANSACTIONS else set()
    if tree.get("options") and "begin" in found:
        found.add("modes")
    if tree.get("chain"):
        found.add("chain")
    return found


def of_one_or_all(tree, key, word):
    return {word} if tree.get(key) else {f"{word}-all"}


def of_set(tree):
    kind, name = tree["kind"], tree.get("name", "")
    if kind == "VAR_RESET_ALL":
        return {"reset-all"}
    if name.lower() == "seed":
        return set()
    if name in ("TRANSACTION", "TRANSACTION SNAPSHOT") and kind == "VAR_SET_MULTI":
        return {"local"}
    local = tree.get("is_local") or name.lower() in ENDS_WITH_TRANSACTION
    return {"local"} if local else {"setting"}


def of_statement(stmt):
    """The effects that a statement has for all that its parse tree says."""
    (kind, tree), = stmt.items()
    if kind == "PrepareStmt":
        return {"prepare"}
    if kind in ("CreateFunctionStmt", "RuleStmt"):
        return created({"schemaname": tree["funcname"][0]["String"]["sval"]} if "funcname" in tree else {})
    if kind == "ViewStmt":
        return created(tree["view"])
    found = shown(tree)
    if kind.startswith("Alter") or kind in ("RenameStmt", "ImportForeignSchemaStmt"):
        found.add("alter")
    if kind in SEEN_BY_EVENT_TRIGGERS:
        found.add("ddl")
    if kind in PLAIN:
        found.add(PLAIN[kind])
    elif kind == "TransactionStmt":
        found |= of_transaction(tree)
    elif kind == "VariableSetStmt":
        found |= of_set(tree)
    elif kind == "DeallocateStmt":
        found |= of_one_or_all(tree, "name", "deallocate")
    elif kind == "ClosePortalStmt":
        found |= of_one_or_all(tree, "portalname", "close")
    elif kind == "UnlistenStmt":
        found |= of_one_or_all(tree, "conditionname", "unlisten")
    elif kind == "DiscardStmt":
        found.add(tree.get("target", "DISCARD_ALL").lower().replace("_", "-"))
    elif kind == "DeclareCursorStmt" and tree["options"] & 0x20:
        found.add("hold")
    elif kind in CREATED:
        found |= created(tree[CREATED[kind]], tree.get("oncommit"))
    elif kind == "CopyStmt" and tree.get("is_from"):
        found.add("nextval")
    elif kind in ("InsertStmt", "MergeStmt"):
        found.add("nextval")
    elif kind == "UpdateStmt":
        found |= of_update(tree)
    elif kind == "ExecuteStmt":
        found.add("execute")
    return found


# -- settings --

def quoted(name):
    if re.fullmatch("[a-z_][a-z0-9_]*", name) and KNOWN.get(name) not in ("WORD", "BOTH", "TYPE"):
        return name
    return '"' + name.replace('"', '""') + '"'


def value_of(tree):
    """What SET makes of its arguments; None: the tree does not say."""
    parts = []
    for arg in tree.get("args", []):
        constant = arg.get("A_Const", {})
        if "sval" in constant:
            text = constant["sval"].get("sval", "")
            parts.append(quoted(text) if tree["name"].lower() in NAME_LISTS else text)
        elif constant.get("ival"):
            parts.append(str(constant["ival"]["ival"]))
        elif "fval" in constant:
            parts.append(constant["fval"]["fval"])
        else:
            return None
    return ", ".join(parts)


def settings_of(stmt):
    """' name=value' as it is to be shown, where the tree says so."""
    tree = stmt.get("VariableSetStmt")
    if not tree or "MULTI" in tree["kind"] or not tree.get("name"):
        return None
    name = {"sort_mem": "work_mem", "vacuum_mem": "maintenance_work_mem"}.get(tree["name"].lower(), tree["name"].lower())
    if name in ENDS_WITH_TRANSACTION or name == "seed" or len(name) > 90:
        return None
    value = {"VAR_SET_DEFAULT": "!", "VAR_RESET": "!", "VAR_SET_CURRENT": "?"}.get(tree["kind"])
    if value is None:
        value = value_of(tree)
    if name == "xmloption":
        value = value.lower()
    return None if value is None else f" {'~' if tree.get('is_local') else ''}{name}={value}"


NAMES = {"TransactionStmt": "savepoint_name", "ClosePortalStmt": "portalname", "DeclareCursorStmt": "portalname",
         "PrepareStmt": "name", "ExecuteStmt": "name", "DeallocateStmt": "name", "ListenStmt": "conditionname",
         "UnlistenStmt": "conditionname"}


def name_of(stmt):
    (kind, tree), = stmt.items()
    return tree.get(NAMES.get(kind, ""), "")


# -- what was read --

class Reader:
    def __init__(self):
        target = "tests/unit/sql/effects_print"
        subprocess.run(["make", "-C", str(BUILD), target], check=True, stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen([str(BUILD / target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        encoding="utf-8", bufsize=1)

    def effects(self, text):
        escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", " ")
        self.process.stdin.write(f"{escaped}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line.endswith("\n"), f"it has ended after {text}"
        return line[:-1].split(" ¦ ") if line != "\n" else []

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0


def words(read):
    """The effects of a statement as it was shown: (its own, those of what it prepares)."""
    own, _, inner = read.partition(" {")
    own = set(re.split(r" @| ~?[a-z_.]+=", own)[0].split())
    return own, set(inner.rstrip("}").split())


def faults_of(stmt, read):
    own, inner = words(read)
    needed = of_statement(stmt)
    if "PrepareStmt" in stmt:
        missing = shown(stmt["PrepareStmt"]["query"]) - inner
        if inner & SETS:
            missing -= {"sets"}
        if "unread" in inner:
            missing -= LOOKED_FOR
        query = stmt["PrepareStmt"]["query"]
        if "InsertStmt" in query and "nextval" not in inner:
            missing.add("nextval")
        if missing:
            yield f"what it prepares lacks {missing}"
    if "unread" in own:
        needed = needed - LOOKED_FOR
    if "sets" in needed:
        needed = needed - {"sets"} | (own & SETS or {"sets"})
    if "setting?" in own:  # it sets something, and does not say what
        needed = needed - {"setting"}
    if "temp" in own:  # the stronger of the two
        needed = needed - {"create"}
    if needed - own:
        yield f"lacks {needed - own}"
    if (own ^ needed) & EXACT:
        yield f"differs in {(own ^ needed) & EXACT}"
    if "none" in own and len(own) > 1:
        yield "none and something"
    setting = settings_of(stmt)
    if setting and "setting?" not in own and setting.replace("\n", "\\n") not in read and f"{setting.split('=')[0]}=?" not in read:
        yield f"lacks the setting{setting}"
    name = name_of(stmt)
    if name and f" @{name}" not in read and "unread" not in own:
        yield f"lacks the name {name}"


def corpus():
    for path in sorted((TOP / "tests/unit/sql").glob("*.cases")):
        for line in path.read_text(errors="replace").splitlines():
            text = line.partition("==>")[0].strip()
            if "==>" not in line or not text or text.startswith(("#", "[")):
                continue
            yield re.sub("<(n|t|r|s)>", lambda m: {"n": "\n", "t": "\t", "r": "\r", "s": " "}[m[1]], text)


def scripts():
    """What psql would send of differential/*.sql."""
    for path in sorted((HERE / "differential").glob("*.sql")):
        text, is_data = "", False
        for line in path.read_text().splitlines():
            if is_data:
                is_data = line != "\\."
                continue
            line = line.replace("\\;", ";").partition("\\")[0]
            line = re.sub(""":('?"?)me\\b\\1""", lambda m: f"{m[1]}d_{path.stem}{m[1]}", line)
            text += line + "\n"
            if text.count("$$") % 2 == 0 and line.rstrip().endswith(";"):
                is_data = re.search("from stdin", text.rpartition(";")[0]) is not None
                yield text.strip()
                text = ""


def test_nothing_that_the_grammar_shows_is_missed():
    library = find_grammar()
    if not library:
        pytest.skip("libpg_query is not here")
    grammar, reader, compared, faults = Grammar(library), Reader(), 0, []
    for text, wraps in itertools.chain(((text, WRAPS) for text in corpus()), ((text, ["{}"]) for text in scripts())):
        for wrap in wraps:
            wrapped = wrap.format(text.rstrip("; ")) if len(wraps) > 1 else text
            trees = grammar.statements(wrapped)
            if not trees:
                continue
            read = reader.effects(wrapped)
            if len(read) != len(trees):
                faults.append(f"{wrapped}\n  {len(trees)} statements, not {len(read)}")
                continue
            compared += len(trees)
            for stmt, one in zip(trees, read):
                faults += [f"{wrapped}\n  {one}\n  {fault}" for fault in faults_of(stmt, one)]
    reader.close()
    assert not faults, f"{len(faults)} of {compared}:\n" + "\n".join(faults[:20])
    assert compared > 2000, compared

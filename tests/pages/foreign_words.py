"""A lint of our own: what pages hand to Streamlit as Markdown or HTML is ours, or went through `formats.plain`.

An expression is ours if it is a literal, a number with a format, something in CAPITALS (a constant of the code), a
parameter that is annotated `Markdown` (or is a number, a time or a Literal), or a call of a function whose result is
annotated `Markdown`; and whatever is put together of these alone. Arguments for parameters annotated `Markdown` and
results of functions annotated so are held to the same. There is no other way through, and no comment that excuses.
The other way round, what went through `formats.plain` is handed to no parameter that is annotated `str`: it would be
escaped a second time there, and people would see the backslashes.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

Kind = Literal["markdown", "html"]
Function = ast.FunctionDef | ast.AsyncFunctionDef
# What Streamlit renders: by function, the places of such arguments. `help` and others of NAMED count everywhere.
TEXTS = dict.fromkeys(
    "title header subheader markdown caption info warning error success toast badge button link_button expander "
    "spinner dialog checkbox toggle slider number_input text_input text_area selectbox multiselect file_uploader "
    "datetime_input tabs write".split(),
    (0,),
) | {"metric": (0, 1, 2), "progress": (1,), "radio": (0, 1), "segmented_control": (0, 1), "html": (0,), "page_link": ()}
NAMED = {"label", "help", "body", "text", "captions", "value", "delta", "delta_description", "options"}
FIELDS = {
    "text_input",
    "text_area",
    "number_input",
    "slider",
    "selectbox",
    "multiselect",
    "checkbox",
    "toggle",
}
# Of core: words of our own.
OURS = {
    "base_urls.EXAMPLE",
    "st.get_option",
    "len",
    "min",
    "max",
    "sum",
    "abs",
    "round",
    "int",
    "range",
}
OUR_ATTRIBUTES = {"label", "own_endpoints"}
NUMBERS = {"int", "float", "bool", "Decimal", "datetime", "timedelta"}
METHODS = {
    "replace",
    "lower",
    "upper",
    "capitalize",
    "strip",
    "removeprefix",
    "splitlines",
    "items",
    "values",
    "keys",
}


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    tree: ast.Module

    @cached_property
    def functions(self) -> dict[str, Function]:
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, Function)}

    @cached_property
    def imports(self) -> dict[str, str]:
        """Names of this file, and what they stand for: `formats` for pages.common.formats."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                found.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
            elif isinstance(node, ast.Import):
                found.update({alias.asname or alias.name: alias.name for alias in node.names})
        return found

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}


def says_markdown(annotation: ast.expr | None) -> bool:
    return annotation is not None and "Markdown" in ast.unparse(annotation)


def says_text(annotation: ast.expr | None) -> bool:
    return annotation is not None and ast.unparse(annotation) in ("str", "str | None")


def cannot_be_text(annotation: ast.expr | None) -> bool:
    if annotation is None:
        return False
    parts = [part.strip() for part in ast.unparse(annotation).split("|")]
    return all(part in {*NUMBERS, "None", "Kind", "Lane"} or part.startswith("Literal[") for part in parts)


def is_of_figures(spec: ast.expr | None) -> bool:
    """A format of numbers or times: with a text it raises."""
    return spec is not None and bool(_FIGURES.fullmatch(ast.unparse(spec)[2:-1]))


_FIGURES = re.compile(r"[+,.\d~-]*[dfge%,]|[\w%:., -]*%[a-zA-Z][\w%:., -]*")


class Lint:
    def __init__(self, modules: Sequence[Module]):
        self.modules = {module.name: module for module in modules}
        self._escaping: dict[Function, bool] = {}

    def findings(self) -> Iterator[str]:
        for module in self.modules.values():
            yield from self.findings_in(module)

    def findings_in(self, module: Module) -> Iterator[str]:
        for node in ast.walk(module.tree):
            for argument, kind in self._judged(module, node):
                if not Judge(self, module, kind).ours(argument):
                    yield f"{module.path}:{argument.lineno}: {ast.unparse(argument)[:110]}"
            if isinstance(node, ast.Call):
                for argument, parameter in self._of_parameters(module, node):
                    if says_text(parameter) and Judge(self, module, "markdown").escaped(argument):
                        yield f"{module.path}:{argument.lineno}: escaped twice: {ast.unparse(argument)[:110]}"

    def _judged(self, module: Module, node: ast.AST) -> Iterator[tuple[ast.expr, Kind]]:
        if isinstance(node, ast.Call):
            yield from self._arguments(module, node)
        elif isinstance(node, Function) and says_markdown(node.returns) and node.name != "plain":
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None and enclosing(module, inner) is node:
                    yield inner.value, "markdown"
        elif isinstance(node, ast.AnnAssign) and says_markdown(node.annotation) and node.value is not None:
            yield node.value, "markdown"

    def _arguments(self, module: Module, call: ast.Call) -> Iterator[tuple[ast.expr, Kind]]:
        if self.function_of(module, call.func):
            for argument, annotation in self._of_parameters(module, call):
                if says_markdown(annotation):
                    yield argument, "markdown"
            return
        for name in self.streamlit(module, call.func):
            kind: Kind = "html" if name == "html" else "markdown"
            yield from ((call.args[place], kind) for place in TEXTS[name] if place < len(call.args))
            for keyword in call.keywords:
                skipped = keyword.arg in ("value", "options") and name in FIELDS
                if keyword.arg in NAMED and not skipped:
                    yield keyword.value, kind

    def _of_parameters(self, module: Module, call: ast.Call) -> Iterator[tuple[ast.expr, ast.expr | None]]:
        """The arguments of a function of pages, each with what its parameter is annotated."""
        if function := self.function_of(module, call.func):
            parameters = [*function.args.posonlyargs, *function.args.args]
            yield from ((a, p.annotation) for p, a in zip(parameters, call.args, strict=False))
            named = {p.arg: p.annotation for p in [*parameters, *function.args.kwonlyargs]}
            yield from ((k.value, named.get(k.arg)) for k in call.keywords if k.arg)

    def streamlit(self, module: Module, called: ast.expr) -> list[str]:
        """The functions of Streamlit that this may be."""
        if isinstance(called, ast.IfExp):
            return self.streamlit(module, called.body) + self.streamlit(module, called.orelse)
        if isinstance(called, ast.Attribute) and called.attr in TEXTS:
            root = called.value
            if isinstance(root, ast.Name) and (
                root.id == "log" or module.imports.get(root.id, "streamlit") != "streamlit"
            ):
                return []
            return [called.attr]
        if isinstance(called, ast.Name):  # a name given to such a function
            bound = [
                b for b in Judge(self, module, "markdown").bindings(called) if isinstance(b, ast.IfExp | ast.Attribute)
            ]
            return [name for expression in bound for name in self.streamlit(module, expression)]
        return []

    def escapes(self, function: Function) -> bool:
        """Whether there may be escaped text in what it returns."""
        if function not in self._escaping:
            self._escaping[function] = False  # while it is looked at
            module = next(m for m in self.modules.values() if function in m.parents)
            self._escaping[function] = function.name == "plain" or any(
                Judge(self, module, "markdown").escaped(inner.value)
                for inner in ast.walk(function)
                if isinstance(inner, ast.Return) and enclosing(module, inner) is function
            )
        return self._escaping[function]

    def function_of(self, module: Module, called: ast.expr) -> Function | None:
        """The function of pages that is called, if it is one."""
        if isinstance(called, ast.Name):
            if called.id in module.functions:
                return module.functions[called.id]
            home, _, name = module.imports.get(called.id, "").rpartition(".")
        elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            home, name = module.imports.get(called.value.id, ""), called.attr
        else:
            return None
        return self.modules[home].functions.get(name) if home in self.modules else None


def enclosing(module: Module, node: ast.AST) -> ast.AST:
    """The function, lambda, comprehension or module that this stands in."""
    scopes = (*Function.__args__, ast.Lambda, ast.Module)
    node = module.parents[node]
    while not isinstance(node, scopes):
        node = module.parents[node]
    return node


class Judge:
    """Whether an expression is ours."""

    def __init__(self, lint: Lint, module: Module, kind: Kind):
        self.lint, self.module, self.kind = lint, module, kind
        self._under_way: set[str] = set()

    def ours(self, node: ast.expr | None) -> bool:
        match node:
            case None | ast.Constant() | ast.Compare():
                return True
            case ast.JoinedStr(values=values):
                return all(self.ours(value) for value in values)
            case ast.FormattedValue(value=value, format_spec=spec):
                return is_of_figures(spec) or self.ours(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.ours(left) and self.ours(right)
            case ast.BinOp(op=ast.Mod() | ast.Mult(), left=left, right=right):
                return self.ours(left) and self.ours(right)
            case ast.BinOp() | ast.UnaryOp():
                return True  # of numbers
            case ast.BoolOp(values=values) | ast.Tuple(elts=values) | ast.List(elts=values) | ast.Set(elts=values):
                return all(self.ours(value) for value in values)
            case ast.IfExp(body=body, orelse=orelse):
                return self.ours(body) and self.ours(orelse)
            case ast.Dict(values=values):
                return all(self.ours(value) for value in values)
            case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element) | ast.SetComp(elt=element):
                return self.ours(element)
            case ast.Starred(value=value) | ast.NamedExpr(value=value):
                return self.ours(value)
            case ast.Subscript(value=value):
                return self.ours(value)
            case ast.Attribute(attr=attr, value=value):
                return attr.isupper() or attr in OUR_ATTRIBUTES or self._is_constant(value)
            case ast.Name():
                return node.id.isupper() or self._name(node)
            case ast.Call():
                return self._call(node)
        return False

    def escaped(self, node: ast.AST | None) -> bool:
        """Whether something in it went through `formats.plain`."""
        match node:
            case ast.Compare():
                return False
            case ast.IfExp(body=body, orelse=orelse):
                return self.escaped(body) or self.escaped(orelse)
            case ast.Call(func=called):
                function = self.lint.function_of(self.module, called)
                if function is not None:
                    return says_markdown(function.returns) and self.lint.escapes(function)
            case ast.Name() if node in self.module.parents:
                key = f"{node.id}@{id(enclosing(self.module, node))}"
                if key in self._under_way:
                    return False
                self._under_way.add(key)
                return any(self.escaped(b) for b in self.bindings(node) if isinstance(b, ast.expr))
        return node is not None and any(self.escaped(child) for child in ast.iter_child_nodes(node))

    def _is_constant(self, node: ast.expr) -> bool:
        """Something in capitals, or what hangs on it."""
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name.isupper():
                return True
            case ast.Subscript(value=value) | ast.Attribute(value=value):
                return self._is_constant(value)
            case ast.Name():
                found = self.bindings(node)
                return bool(found) and all(isinstance(b, ast.expr) and self._is_constant(b) for b in found)
        return False

    def _call(self, node: ast.Call) -> bool:
        called = ast.unparse(node.func)
        function = self.lint.function_of(self.module, node.func)
        if self.kind == "html":
            if called == "html.escape":
                return True
        elif function is not None:
            return says_markdown(function.returns)
        if called in OURS:
            return True
        match node.func:
            case ast.Attribute(attr="join", value=value):
                return self.ours(value) and all(self.ours(argument) for argument in node.args)
            case ast.Attribute(attr="format", value=value):
                return self.ours(value) and all(self.ours(a) for a in [*node.args, *(k.value for k in node.keywords)])
            case ast.Attribute(attr="get", value=value):
                return self.ours(value) and all(self.ours(argument) for argument in node.args[1:])
            case ast.Attribute(attr=attr, value=value) if attr in METHODS:
                return self.ours(value) and all(self.ours(argument) for argument in node.args)
            case ast.Name(id="list" | "tuple" | "sorted" | "filter" | "reversed" | "enumerate" | "zip" | "str"):
                return all(self.ours(argument) for argument in node.args)
        return False

    def _name(self, node: ast.Name) -> bool:
        key = f"{node.id}@{id(enclosing(self.module, node))}"
        if key in self._under_way:
            return True
        self._under_way.add(key)
        found = self.bindings(node)
        well = bool(found) and all(
            says_markdown(b.annotation) or cannot_be_text(b.annotation) if isinstance(b, ast.arg) else self.ours(b)
            for b in found
        )
        self._under_way.discard(key)
        return well

    def bindings(self, name: ast.Name) -> list[ast.expr | ast.arg]:
        """What is assigned to the name in the innermost scope that assigns it."""
        for loop in self._comprehensions(name):
            if bound := list(_bound(name.id, loop.target, loop.iter)):
                return [*bound]
        scope = enclosing(self.module, name)
        while True:
            found = [b for node in _binding(scope) for b in _bindings(name.id, node, scope)]
            if found or isinstance(scope, ast.Module):
                return found
            scope = enclosing(self.module, scope)

    def _comprehensions(self, node: ast.AST) -> Iterator[ast.comprehension]:
        while node in self.module.parents:
            node = self.module.parents[node]
            if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
                yield from node.generators


@cache
def _binding(scope: ast.AST) -> tuple[ast.AST, ...]:
    """All in it that may bind a name: each name of a scope is looked up there."""
    return tuple(node for node in ast.walk(scope) if isinstance(node, BINDING))


BINDING = (
    *(ast.arg, ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.AugAssign, ast.For, ast.Call, ast.withitem),
    ast.ExceptHandler,
)


def _bindings(name: str, node: ast.AST, scope: ast.AST) -> Iterator[ast.expr | ast.arg]:
    match node:
        case ast.arg(arg=arg) if arg == name and node in _parameters(scope):
            yield node
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _bound(name, target, value)
        case ast.AnnAssign(target=target, value=value, annotation=annotation) if value is not None:
            if not says_markdown(annotation):  # else its value is judged where it stands
                yield from _bound(name, target, value)
            else:
                yield from _bound(name, target, ast.Constant(""))
        case ast.NamedExpr(target=target, value=value) | ast.AugAssign(target=target, value=value):
            yield from _bound(name, target, value)
        case ast.For(target=target, iter=value):
            yield from _bound(name, target, value)
        case ast.Call(func=ast.Attribute(attr="append" | "extend" | "insert", value=ast.Name() as target), args=values):
            for value in values:
                yield from _bound(name, target, value)
        case ast.withitem(optional_vars=ast.expr() as target, context_expr=value):
            yield from _bound(name, target, value)
        case ast.ExceptHandler(name=bound) if bound == name:
            yield ast.arg(arg=name, annotation=None)


def _parameters(scope: ast.AST) -> list[ast.arg]:
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return []
    args = scope.args
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]


def _bound(name: str, target: ast.expr, value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Name):
        if target.id == name:
            yield value
    elif isinstance(target, ast.Subscript):
        yield from _bound(name, target.value, value)
    elif isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) else None
        for place, part in enumerate(target.elts):
            yield from _bound(name, part, values[place] if values else value)


@cache
def modules(root: Path, under: str = "pages") -> tuple[Module, ...]:
    found = []
    for path in sorted((root / under).rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        found.append(Module(name, path.relative_to(root), ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(found)

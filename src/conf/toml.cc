// The only C++ of the tree. No exception leaves it, nothing of toml++ is seen outside of it.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#define TOML_MAX_NESTED_VALUES 16

#include "conf/toml.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

static_assert(TOML_MAX_NESTED_VALUES == TOML_NESTING_MAX, "toml.h tells the limit that toml++ keeps");

namespace
{

using position = toml::source_position;

// What jansson gives NULL for is no memory or broken UTF-8: the parser has refused the latter.
struct impossible : std::exception {
	const char *what() const noexcept override
	{
		return "a value that cannot be held";
	}
};

struct too_many : std::exception {
};

json_t *
must(json_t *value)
{
	if (value == nullptr)
		throw impossible();
	return value;
}

// A jansson value with an owner, for as long as something may still throw.
class owned
{
	json_t *value_;

      public:
	explicit owned(json_t *value) : value_(must(value))
	{
	}
	owned(const owned &) = delete;
	owned &operator=(const owned &) = delete;
	~owned()
	{
		json_decref(value_);
	}
	json_t *get() const
	{
		return value_;
	}
	json_t *take()
	{
		return std::exchange(value_, nullptr);
	}
};

void
set(json_t *object, const char *name, json_t *take_value)
{
	if (json_object_set_new(object, name, must(take_value)) != 0)
		throw impossible();
}

void
append(json_t *array, json_t *take_value)
{
	if (json_array_append_new(array, must(take_value)) != 0)
		throw impossible();
}

class walker
{
	size_t values_ = 0;

	static void place(json_t *object, position at)
	{
		set(object, "line", json_integer(at.line));
		set(object, "column", json_integer(at.column));
	}

	json_t *array(const toml::array &array, position at)
	{
		owned list(json_array());

		for (const toml::node &item : array)
			append(list.get(), node(item, at));
		return list.take();
	}

	// toml++ keeps a table sorted by key; we want the order of the file.
	json_t *table(const toml::table &table, position at)
	{
		owned list(json_array());
		std::vector<std::pair<const toml::key *, const toml::node *>> rows;

		for (auto &&[key, item] : table)
			rows.emplace_back(&key, &item);
		std::stable_sort(rows.begin(), rows.end(),
		    [](const auto &a, const auto &b) { return a.first->source().begin < b.first->source().begin; });
		for (auto &&[key, item] : rows) {
			owned row(json_object());
			position where = key->source().begin ? key->source().begin : at;

			set(row.get(), "key", json_stringn(key->str().data(), key->str().size()));
			place(row.get(), where);
			set(row.get(), "node", node(*item, where));
			append(list.get(), row.take());
		}
		return list.take();
	}

	json_t *value(const toml::node &node, const char **ret_type, position at)
	{
		switch (node.type()) {
		case toml::node_type::string: {
			const std::string &s = node.as_string()->get();

			*ret_type = "string";
			return json_stringn(s.data(), s.size());
		}
		case toml::node_type::boolean:
			*ret_type = "boolean";
			return json_boolean(node.as_boolean()->get());
		case toml::node_type::integer:
			*ret_type = "integer";
			return json_integer(node.as_integer()->get());
		case toml::node_type::floating_point:
			*ret_type = "float";
			return json_null();
		case toml::node_type::array:
			*ret_type = "array";
			return array(*node.as_array(), at);
		case toml::node_type::table:
			*ret_type = "table";
			return table(*node.as_table(), at);
		default:
			*ret_type = "date";
			return json_null();
		}
	}

      public:
	// parent: where to say that the node is, should the parser not know (an array that [[x]] headers make up).
	json_t *node(const toml::node &node, position parent)
	{
		position at = node.source().begin ? node.source().begin : parent;
		const char *type = nullptr;

		if (++values_ > TOML_VALUES_MAX)
			throw too_many();

		owned object(json_object());
		owned held(value(node, &type, at));

		set(object.get(), "type", json_string(type));
		place(object.get(), at);
		set(object.get(), "value", held.take());
		return object.take();
	}
};

void
tell(toml_problem *problem, position at, const char *sentence)
{
	problem->line = at.line > 0 ? static_cast<int>(at.line) : 1;
	problem->column = at.column > 0 ? static_cast<int>(at.column) : 1;
	std::snprintf(problem->sentence, sizeof(problem->sentence), "%s", sentence);
}

// toml++ quotes single characters, keys and headers; but also numbers, and an unquoted secret may look like one.
constexpr struct {
	const char *part;
	const char *sentence;
} rewordings[] = {
    {"representable", "syntax error: a number that is too large or malformed: write text in double quotes"},
    {"interpret", "syntax error: a number that is too large or malformed: write text in double quotes"},
    {"determine value type", "syntax error: neither a number nor true or false: write text in double quotes"},
    {"nested value depth", "syntax error: lists and tables are nested more than 16 deep"},
    {"invalid utf-8", "syntax error: bytes that are not UTF-8"},
};

std::string
without_values(std::string_view text)
{
	constexpr std::string_view lead = "Error while parsing ";

	for (const auto &r : rewordings) {
		if (text.find(r.part) != text.npos)
			return r.sentence;
	}
	if (text.substr(0, lead.size()) == lead)
		return "syntax error in " + std::string(text.substr(lead.size()));
	return "syntax error: " + std::string(text);
}

json_t *
parse(std::string_view text, toml_problem *problem)
{
	try {
		toml::table table = toml::parse(text);

		return walker().node(table, position{1, 1});
	} catch (const toml::parse_error &e) {
		tell(problem, e.source().begin, without_values(e.description()).c_str());
	} catch (const too_many &) {
		tell(problem, position{1, 1}, "more than 100000 values: pgo.toml cannot be that large");
	}
	return nullptr;
}

} // namespace

extern "C" json_t *
toml_tree(const char *text, size_t len, toml_problem *ret_problem)
try {
	if (len > TOML_BYTES_MAX) {
		tell(ret_problem, position{1, 1}, "more than 1 MiB: pgo.toml cannot be that large");
		return nullptr;
	}
	if (toml_scan_dots(text, len, ret_problem) < 0)
		return nullptr;
	return parse(std::string_view(text, len), ret_problem);
} catch (const std::exception &e) {
	tell(ret_problem, position{1, 1}, e.what());
	return nullptr;
}

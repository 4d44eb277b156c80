//! Between Python objects and JSON values.
//!
//! Texts, paths and bytes are strings; whatever is a mapping is an object, and any other iterable an array.

use std::path::PathBuf;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};
use serde::Serialize;
use serde_json::{Map, Number, Value};

/// Deeper than any field of a spec; a list that contains itself ends here.
const DEEPEST: usize = 16;

/// Turns a Python object into a JSON value.
///
/// # Errors
/// In words, why it has no such form.
pub(crate) fn from_python(object: &Bound<'_, PyAny>) -> Result<Value, String> {
    convert(object, DEEPEST)
}

fn convert(object: &Bound<'_, PyAny>, deepest: usize) -> Result<Value, String> {
    if deepest == 0 {
        return Err("it is nested too deeply".into());
    }
    let next = |item: Bound<'_, PyAny>| convert(&item, deepest - 1);
    if let Ok(text) = object.cast::<PyString>() {
        return text
            .to_cow()
            .map(|text| Value::from(text.as_ref()))
            .map_err(|_| "a text has lone surrogates in it, and so no UTF-8 form".into());
    }
    if object.is_none() {
        return Ok(Value::Null);
    }
    if object.is_instance_of::<PyBool>() {
        return object.is_truthy().map(Value::Bool).map_err(|error| error.to_string());
    }
    if object.is_instance_of::<PyInt>() {
        let number =
            object.extract::<i64>().map(Number::from).or_else(|_| object.extract::<u64>().map(Number::from));
        return number.map(Value::Number).map_err(|_| "a number does not fit in 64 bits".into());
    }
    if object.is_instance_of::<PyFloat>() {
        let number = object.extract::<f64>().ok().and_then(Number::from_f64);
        return number.map(Value::Number).ok_or_else(|| "a number is not finite".into());
    }
    if let Ok(list) = object.cast::<PyList>() {
        return list.iter().map(next).collect();
    }
    if let Ok(tuple) = object.cast::<PyTuple>() {
        return tuple.iter().map(next).collect();
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        return from_dict(dict, deepest);
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return std::str::from_utf8(bytes.as_bytes())
            .map(Value::from)
            .map_err(|_| "bytes are not UTF-8".into());
    }
    if let Ok(path) = object.extract::<PathBuf>() {
        return path.to_str().map(Value::from).ok_or_else(|| "a path is not UTF-8".into());
    }
    if let Ok(number) = object.extract::<i64>() {
        return Ok(Value::from(number));
    }
    if let Ok(mapping) = object.cast::<PyMapping>() {
        let dict = PyDict::new(object.py());
        dict.update(mapping).map_err(|error| error.to_string())?;
        return from_dict(&dict, deepest);
    }
    if let Ok(items) = object.try_iter() {
        return items.map(|item| item.map_err(|error| error.to_string()).and_then(next)).collect();
    }
    let kind = object.get_type().name().map_or_else(|_| "object".into(), |name| name.to_string());
    Err(format!("a value of type '{kind}' cannot be in a spec"))
}

fn from_dict(dict: &Bound<'_, PyDict>, deepest: usize) -> Result<Value, String> {
    let mut map = Map::new();
    for (key, value) in dict {
        let Value::String(key) = convert(&key, deepest - 1)? else {
            return Err("the keys of a dict are texts or paths".into());
        };
        map.insert(key, convert(&value, deepest - 1)?);
    }
    Ok(Value::Object(map))
}

/// Turns plain data into Python objects.
///
/// # Errors
/// Only when Python is out of memory.
pub(crate) fn of<'py>(py: Python<'py>, data: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let value = serde_json::to_value(data).map_err(|error| PyValueError::new_err(error.to_string()))?;
    to_python(py, &value)
}

/// Turns a JSON value into Python objects.
///
/// # Errors
/// Only when Python is out of memory.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(truth) => truth.into_bound_py_any(py),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into_bound_py_any(py),
            (None, Some(number)) => number.into_bound_py_any(py),
            (None, None) => number.as_f64().into_bound_py_any(py),
        },
        Value::String(text) => text.into_bound_py_any(py),
        Value::Array(items) => {
            let items = items.iter().map(|item| to_python(py, item)).collect::<PyResult<Vec<_>>>()?;
            items.into_bound_py_any(py)
        }
        Value::Object(map) => {
            let dict = PyDict::new(py);
            for (key, value) in map {
                dict.set_item(key, to_python(py, value)?)?;
            }
            Ok(dict.into_any())
        }
    }
}

"""A name that is a setting to read and a method to call."""


class _CallableText(str):
    """The text of a setting that runs a method when it is called."""

    def __new__(cls, text, method):
        new = super().__new__(cls, text)
        new._method = method
        return new

    def __call__(self, *args, **kwargs):
        return self._method(*args, **kwargs)

    def __reduce__(self):
        # Copies and pickles are plain text: the method belongs to its object.
        return str, (str(self),)


class setting_and_method:
    """Decorator for a method whose name is a constructor parameter as well.

    ``obj.name`` compares and prints as the parameter, ``obj.name(...)`` calls the
    method. The plain value lies in ``vars(obj)[name]``, which is what
    ``get_params`` must return, since scikit-learn clones by identity.

    Parameters
    ----------
    function : function
        The method.
    """

    def __init__(self, function):
        self.function = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    def __get__(self, instance, owner=None):
        if instance is None:
            return self.function
        method = self.function.__get__(instance, owner)
        value = vars(instance).get(self.__name__)
        return _CallableText(value, method) if isinstance(value, str) else method

    def __set__(self, instance, value):
        vars(instance)[self.__name__] = value
